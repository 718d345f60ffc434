"""What the driver reports to the turn machine: results of engines and tools, and deadlines that have passed.

Each result carries the id of the item or response it belongs to.
"""

from dataclasses import dataclass
from typing import Literal

from conversations.realtime.deadlines import Deadline
from conversations.realtime.protocol.errors import Failure
from conversations.realtime.protocol.tools import Tool


@dataclass(frozen=True, slots=True)
class SpeechWindow:
    """The VAD's probability, 0 to 1, that the next 32 ms of audio are speech."""

    probability: float


@dataclass(frozen=True, slots=True)
class PartialTranscript:
    """The transcript of the utterance so far, while it is spoken."""

    item_id: str
    text: str


@dataclass(frozen=True, slots=True)
class TranscriptReady:
    """The final transcript of the audio that was sent. `seconds` is the length of that audio."""

    item_id: str
    revision: int
    text: str
    seconds: float


@dataclass(frozen=True, slots=True)
class TranscriptFailed:
    """Speech to text failed for this revision of an utterance."""

    item_id: str
    revision: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of text from the language model."""

    response_id: str
    text: str


@dataclass(frozen=True, slots=True)
class TextWithdrawn:
    """All that the model wrote so far was a thought. What was sent of it stays sent; the rest is not said."""

    response_id: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """The model is thinking and has nothing to say yet. It comes with the first thought, then about once a second."""

    response_id: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a call that the model writes. The first of each `index` has the name; `call_id` may be ""."""

    response_id: str
    index: int
    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolCallDone:
    """A tool has ended. An `error` of "" means success; the model reads the output and the error."""

    response_id: str
    item_id: str
    output: str
    error: str


@dataclass(frozen=True, slots=True)
class ToolsReady:
    """All tools that the server runs for this session from now on."""

    tools: tuple[Tool, ...]
    servers: frozenset[str] = frozenset()  # labels of all MCP servers of this session
    awaited: frozenset[str] = frozenset()  # of those that are still connected to
    failed: frozenset[str] = frozenset()  # of those that cannot be reached


@dataclass(frozen=True, slots=True)
class GenerationDone:
    """The language model has finished. The counts are tokens."""

    response_id: str
    reason: Literal["stop", "length", "content_filter"]
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class SpeechAudio:
    """The next piece of audio (PCM) of the clause with this `index`."""

    response_id: str
    index: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class SpeechDone:
    """All audio of the clause with this `index` has come."""

    response_id: str
    index: int


@dataclass(frozen=True, slots=True)
class FillerReady:
    """All of the audio of a filler."""

    response_id: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class GenerationFailed:
    """The language model or text to speech has failed, so the response cannot go on."""

    response_id: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """A deadline that the machine set has passed."""

    deadline: Deadline


@dataclass(frozen=True, slots=True)
class ClientGone:
    """The client has left. With `vanished` it left without a close, and could not report how much it had played.

    `gone_at` is since when, in seconds of the session's clock, if it was waited for since.
    """

    vanished: bool = True
    gone_at: float | None = None


Produced = (
    TextDelta
    | TextWithdrawn
    | Thinking
    | ToolCallDelta
    | GenerationDone
    | ToolCallDone
    | SpeechAudio
    | SpeechDone
    | FillerReady
)
"""What engines and tools bring that becomes part of a response."""

GenerationEvent = Produced | GenerationFailed
"""What engines and tools bring for a response."""

EngineEvent = (
    SpeechWindow
    | PartialTranscript
    | TranscriptReady
    | TranscriptFailed
    | GenerationEvent
    | ToolsReady
    | DeadlinePassed
    | ClientGone
)
