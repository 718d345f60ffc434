"""What a tool is given, and what it returns."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo


class ToolError(Exception):
    """The call failed. The message is for the model: it says what to do instead."""


@dataclass(frozen=True, slots=True)
class Context:
    """The user for whom a tool runs, the conversation, and the time."""

    user_id: int
    conversation_id: str  # the public id of the present conversation
    zone: ZoneInfo  # the user's time zone
    now: datetime  # in that zone


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a call: either `output` or `error`; the other is ""."""

    output: str = ""
    error: str = ""
