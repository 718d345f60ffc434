"""Settings of a site whose sessions end after a second; the environment takes a minute at least."""

from voiceproject.settings import *  # noqa: F403
from voiceproject.settings import REALTIME

REALTIME = {**REALTIME, "MAX_SESSION_SEC": 1}
