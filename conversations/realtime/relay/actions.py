"""What the relay decides and is told beyond what the turn machine knows."""

from dataclasses import dataclass
from typing import Any

from conversations.realtime.protocol.errors import Failure


@dataclass(frozen=True, slots=True)
class SendUpstream:
    """One client event, to the upstream."""

    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reconnect:
    """The upstream hangs: leave it, and connect anew."""


@dataclass(frozen=True, slots=True)
class UpstreamEvent:
    """One server event of the upstream."""

    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class UpstreamReady:
    """A connection is open, and knows nothing yet."""


@dataclass(frozen=True, slots=True)
class UpstreamLost:
    failure: Failure
