"""The commands and events that only the relay has, beside those of the turn machine."""

from dataclasses import dataclass
from typing import Any

from conversations.realtime.protocol.errors import Failure


@dataclass(frozen=True, slots=True)
class SendUpstream:
    """Send one client event to the upstream."""

    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Close a connection that hangs, and open another."""


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
