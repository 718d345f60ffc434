"""`python -m tests.support.patient_site run`: the site, which waits longer on a machine that others keep busy.

Some of its time limits are so short that they would measure the machine: callers and providers share its cores.
"""

import sys

import django

import manage
from tests.support.patience import stretch

if __name__ == "__main__":
    manage.prepare(sys.argv[1])
    django.setup()
    from django.db import connection

    from accounts.provider_keys import verification
    from conversations.session import base

    for name in ("WORDS_SEC", "DRAIN_SEC"):
        setattr(base, name, stretch(getattr(base, name)))
    verification.TIMEOUT_SEC = stretch(verification.TIMEOUT_SEC)
    pool = connection.settings_dict["OPTIONS"]["pool"]
    pool["timeout"] = stretch(pool["timeout"])
    manage.main()
