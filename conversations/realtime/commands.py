"""What the turn machine decides.

The driver performs the commands in order; they are frozen, so none changes on its way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from conversations.realtime.agent_turn.context import ContextMessage
from conversations.realtime.deadlines import Deadline
from conversations.realtime.measurements import Measurement
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.protocol.tools import Tool


@dataclass(frozen=True, slots=True)
class Send:
    """Send one server event. It leaves once every Save before it is durable."""

    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Save:
    """Store an item as it stands now.

    `after` is where it was inserted: an id, "root", or None for the end. `pcm` is the user's audio. With `is_final` the
    reply has ended, and its audio, which the driver kept as it was sent, is stored too. With `in_background` later
    events need not wait, since the item will be saved again.
    """

    item: LiveItem
    after: str | None = None
    pcm: bytes = b""
    is_final: bool = False
    in_background: bool = False


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete a stored item."""

    item_id: str


@dataclass(frozen=True, slots=True)
class StopStoring:
    """Store nothing from now on, neither words nor audio, since the client wants captions that are not kept."""


@dataclass(frozen=True, slots=True)
class WarmEngines:
    """Open the connections that a turn will need, since somebody has begun to speak."""


@dataclass(frozen=True, slots=True)
class DetectSpeech:
    """Run the VAD over this audio. With `from_scratch` it does not continue the audio before."""

    pcm: bytes
    from_scratch: bool = False


@dataclass(frozen=True, slots=True)
class FeedTranscriber:
    """Keep the utterance's next audio for its clip, and give it to an engine that transcribes while the user speaks.

    `begins` says that the utterance is new; only then are `language` and `prompt` given, as the session names them.
    """

    item_id: str
    pcm: bytes
    language: str
    prompt: str
    begins: bool = False


@dataclass(frozen=True, slots=True)
class Transcribe:
    """Request the transcript of an utterance as far as it has come. `revision` counts the requests of one utterance.

    `pcm` is all of its audio; None stands for the audio that is stored with the item.
    """

    item_id: str
    revision: int
    pcm: bytes | None
    language: str
    prompt: str
    due_at: float | None = None  # by when the turn needs an answer; the engines' next steps need time, too


@dataclass(frozen=True, slots=True)
class Generate:
    """Ask the language model for a response, or to go on with a running one after its tools have answered.

    `tool_choice` is explained in `protocol.tools`.
    """

    response_id: str
    messages: Sequence[ContextMessage]
    max_tokens: int | None
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    is_preemptive: bool = False  # of the endpoint: begins held, see HoldSpeech
    due_at: float | None = None  # by when the turn needs the first sound, or word
    is_spoken: bool = False  # the client is told of the words as they sound, so that others may replace them until then


@dataclass(frozen=True, slots=True)
class RunTool:
    """Run one of the server's own tools. `arguments` is the JSON text that the model wrote, and may be invalid."""

    response_id: str
    item_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class SpeakClause:
    """Synthesise one clause.

    The clauses of a response are heard in order of `index`; one with the text "" has no sound.
    """

    response_id: str
    index: int
    text: str
    voice: str
    speed: float
    due_at: float | None = None  # by when the turn needs its first sound


@dataclass(frozen=True, slots=True)
class DropClauses:
    """Drop the clauses from `index` on, whose sound has not been sent. Other clauses will get their numbers."""

    response_id: str
    index: int


@dataclass(frozen=True, slots=True)
class SpeakFiller:
    """Synthesise a few words that bridge a silence, beside everything else.

    A filler that is late or fails is left out.
    """

    response_id: str
    text: str
    voice: str
    speed: float


@dataclass(frozen=True, slots=True)
class HoldSpeech:
    """Stop sending the speech of a response until ReleaseSpeech, since the client is not playing it."""

    response_id: str


@dataclass(frozen=True, slots=True)
class ReleaseSpeech:
    """Go on with the held speech of a response."""

    response_id: str


@dataclass(frozen=True, slots=True)
class KeepAudio:
    """Keep audio of a response that was sent, for its clip."""

    response_id: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class KeepUserAudio:
    """Keep the next audio of an utterance that is being spoken, in case the process is killed before it is saved."""

    item_id: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class DropUserAudio:
    """Drop the audio that is kept of an utterance, since it becomes no item."""

    item_id: str


@dataclass(frozen=True, slots=True)
class EndSpeech:
    """Note that no further clause of the response will come."""

    response_id: str


@dataclass(frozen=True, slots=True)
class Abort:
    """Close the upstream streams of a response, or all transcriptions of an item, at once."""

    id: str


@dataclass(frozen=True, slots=True)
class SetDeadline:
    """Report `DeadlinePassed(deadline)` to the machine at `at`, in seconds of the session's clock; None clears it."""

    deadline: Deadline
    at: float | None


EngineCommand = (
    Transcribe
    | Generate
    | RunTool
    | HoldSpeech
    | ReleaseSpeech
    | SpeakClause
    | DropClauses
    | SpeakFiller
    | EndSpeech
    | Abort
)
"""What the engines do; all else is the session's own."""

CascadeCommand = StopStoring | WarmEngines | DetectSpeech | FeedTranscriber
"""What only a session of three engines performs, beside what the engines do."""

SharedCommand = Send | Save | Remove | KeepAudio | KeepUserAudio | DropUserAudio | SetDeadline | Measurement
"""What every session performs."""

Command = SharedCommand | CascadeCommand | EngineCommand
