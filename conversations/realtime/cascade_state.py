"""The state of a session of three engines."""

from dataclasses import dataclass, field

from conversations.realtime.commands import CascadeCommand, EngineCommand
from conversations.realtime.protocol.tools import Tool
from conversations.realtime.state import SessionState
from conversations.realtime.user_turn.endpoint_silence import PauseLengths
from conversations.realtime.user_turn.utterance import PendingTranscript


@dataclass(slots=True)
class CascadeState(SessionState[CascadeCommand | EngineCommand]):
    """What all parts of the turn machine share."""

    pauses: PauseLengths = field(default_factory=PauseLengths)
    pending: dict[str, PendingTranscript] = field(default_factory=dict)  # by id of the item
    is_audio_stored: bool = True  # of what the user says, so that speech to text can be asked once more
    own_tools: tuple[Tool, ...] = ()  # that the server runs
    servers: frozenset[str] = frozenset()  # labels of those behind them, also of one that is still connected to
