"""How many processes serve the site, and which of them this one is.

Both are read before the settings are: whether Redis has to be started depends on them.
"""

import os
from collections.abc import Mapping

from django.core.exceptions import ImproperlyConfigured

from voiceproject.server.cpu_quota import count_cores

MOST = 64
AUTO = "auto"
NUMBER_NAME = "WORKER_NUMBER"  # the variable that the supervisor sets for each process that it starts


def read_worker_count(environ: Mapping[str, str] = os.environ) -> int:
    """Return how many processes are to serve the site, by the variable WORKERS. Raise ImproperlyConfigured."""
    wanted = environ.get("WORKERS", "").strip() or "1"
    if wanted == AUTO:
        return max(1, min(MOST, int(count_cores())))
    if not (wanted.isascii() and wanted.isdigit() and 1 <= int(wanted[:9]) <= MOST):
        raise ImproperlyConfigured(f"WORKERS is {wanted!r}; use a whole number from 1 to {MOST}, or {AUTO}.")
    return int(wanted)


def read_worker_number(environ: Mapping[str, str] = os.environ) -> int:
    """Return the number of this process among those that serve the site, from 1; 0 if it serves alone, or does not."""
    return int(environ.get(NUMBER_NAME, "0"))
