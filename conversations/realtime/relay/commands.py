"""What only the relay decides, beside the commands that both machines share."""

from dataclasses import dataclass
from typing import Any

from conversations.realtime.commands import SharedCommand


@dataclass(frozen=True, slots=True)
class SendUpstream:
    """Send one client event to the upstream."""

    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Close a connection that hangs, and open another."""


UpstreamCommand = SendUpstream | Reconnect
"""What only a speech-to-speech session performs."""

RelayCommand = SharedCommand | UpstreamCommand
