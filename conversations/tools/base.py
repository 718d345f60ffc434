"""What a tool gets and gives."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo


class ToolError(Exception):
    """The call came to nothing. The text is for the model: it says what to do otherwise."""


@dataclass(frozen=True, slots=True)
class Context:
    """For whom a tool runs, and when."""

    user_id: int
    conversation_id: str  # the public one, of the conversation that goes on
    zone: ZoneInfo  # the user's
    now: datetime  # in that zone


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call: one of the two is ""."""

    output: str = ""
    error: str = ""
