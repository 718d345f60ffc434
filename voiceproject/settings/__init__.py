"""All settings, in a file for each purpose.

Every value a site may choose comes from the environment and is explained where it stands. A wrong value raises
ImproperlyConfigured with the variable's name; `manage.py` shows it as one line.
"""

import os

import django_stubs_ext

from voiceproject.admin_theme import UNFOLD as UNFOLD
from voiceproject.settings.accounts import *
from voiceproject.settings.data import *
from voiceproject.settings.django import *
from voiceproject.settings.engines import *
from voiceproject.settings.limits import *
from voiceproject.settings.operation import *
from voiceproject.settings.site import *

# ONNX Runtime, which hears where speech begins, would tell its maker of every process that loads it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

django_stubs_ext.monkeypatch()  # lets ModelForm[Conversation] and its like, which the type checker wants, run
