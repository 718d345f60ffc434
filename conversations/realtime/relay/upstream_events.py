"""What the relay is told of its connection to the upstream, beside the events of the client and the deadlines."""

from dataclasses import dataclass
from typing import Any

from conversations.realtime.protocol.errors import Failure


@dataclass(frozen=True, slots=True)
class UpstreamEvent:
    """The upstream has sent a server event."""

    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class UpstreamReady:
    """A connection to the upstream is open; it knows neither the settings nor the conversation yet."""


@dataclass(frozen=True, slots=True)
class UpstreamLost:
    """The connection to the upstream has ended."""

    failure: Failure
