"""What the turn machine decides. Frozen, so that a decision cannot change on its way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from conversations.realtime.agent_turn.context import ContextMessage
from conversations.realtime.deadlines import Deadline
from conversations.realtime.measurements import Measurement
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.protocol.tools import Tool

# The driver performs them in order.


@dataclass(frozen=True, slots=True)
class Send:
    """One server event. It leaves after every Save before it is durable."""

    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Save:
    """Store an item as it stands. `after`: where it was inserted (an id, "root", or None for the end).

    `pcm`: the user's audio. `is_final`: the reply has ended, so its audio, which the driver kept as it
    was sent, is stored too. `in_background`: later events need not wait, since it will be saved again.
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
    """Store nothing from now on, neither words nor sound: the client wants captions that are not kept."""


@dataclass(frozen=True, slots=True)
class WarmEngines:
    """Open the connections that a turn will need: somebody has begun to speak."""


@dataclass(frozen=True, slots=True)
class DetectSpeech:
    """Run the VAD over this audio; `from_scratch`: it does not continue what was detected before."""

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
    """The words of the utterance so far. `revision` counts the tries of one utterance.

    `pcm`: all of its audio; None: the sound that is stored of the item.
    """

    item_id: str
    revision: int
    pcm: bytes | None
    language: str
    prompt: str
    due_at: float | None = None  # by when the turn needs an answer; the engines' next steps need time, too


@dataclass(frozen=True, slots=True)
class Generate:
    """Once more for a response that runs: it goes on with what its tools brought. `tool_choice`: see `tools.choice`."""

    response_id: str
    messages: Sequence[ContextMessage]
    max_tokens: int | None
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    is_preemptive: bool = False  # of the endpoint: begins held, see HoldSpeech
    due_at: float | None = None  # by when the turn needs the first sound, or word


@dataclass(frozen=True, slots=True)
class RunTool:
    """One of the server's own. `arguments`: JSON text as the model wrote it, which may be no JSON."""

    response_id: str
    item_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class SpeakClause:
    """Synthesise one clause; clauses of a response are heard in order of `index`. `text` "" has no sound."""

    response_id: str
    index: int
    text: str
    voice: str
    speed: float
    due_at: float | None = None  # by when the turn needs its first sound


@dataclass(frozen=True, slots=True)
class DropClauses:
    """Drop the clauses from `index` on, of which no sound has left; others come under the same numbers."""

    response_id: str
    index: int


@dataclass(frozen=True, slots=True)
class SpeakFiller:
    """Synthesise a few words that bridge a silence, beside all else. What comes too late, or fails, is not missed."""

    response_id: str
    text: str
    voice: str
    speed: float


@dataclass(frozen=True, slots=True)
class HoldSpeech:
    """The response's speech is not being played: it must not run further ahead until ReleaseSpeech."""

    response_id: str


@dataclass(frozen=True, slots=True)
class ReleaseSpeech:
    """Let the held speech of a response go on."""

    response_id: str


@dataclass(frozen=True, slots=True)
class KeepAudio:
    """Audio of a response that was sent, for its clip."""

    response_id: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class EndSpeech:
    """No further clause will come."""

    response_id: str


@dataclass(frozen=True, slots=True)
class Abort:
    """Close the upstream streams of a response, or of all transcriptions of an item, now."""

    id: str


@dataclass(frozen=True, slots=True)
class SetDeadline:
    """Tell the machine `DeadlinePassed(deadline)` at `at`, in seconds of the session's clock; None clears it."""

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

SharedCommand = Send | Save | Remove | KeepAudio | SetDeadline | Measurement
"""What every session performs."""

Command = SharedCommand | CascadeCommand | EngineCommand
