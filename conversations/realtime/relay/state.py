"""The state of a speech-to-speech session."""

from dataclasses import dataclass

from conversations.realtime.relay.commands import UpstreamCommand
from conversations.realtime.state import SessionState


@dataclass(slots=True)
class RelayState(SessionState[UpstreamCommand]):
    """What all parts of the relay share."""
