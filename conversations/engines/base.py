"""What an engine is: three small Protocols, their data, and their errors.

Nothing under `engines/` imports Django or the models. Audio is PCM, signed 16 bit little-endian,
mono, 24,000 Hz, everywhere: what a provider wants otherwise is converted in its file.

    EngineError
      ├─ EngineAuthError          the provider refused the key
      ├─ EngineQuotaError         quota or credit is used up
      │    └─ EngineBusy          rate limit: worth another try
      ├─ EngineTimeout            no answer, or none further, in time
      ├─ EngineUnavailable        connection refused or cut, 5xx
      └─ EngineRejected           anything else the provider will not do (bad model, voice, input, output)
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

FinishReason = Literal["stop", "length", "content_filter"]
Kind = Literal["stt", "llm", "tts", "s2s"]
KIND_NAMES: dict[Kind, str] = {"stt": "Speech to text", "llm": "The language model", "tts": "Text to speech",
                               "s2s": "Speech to speech"}  # fmt: skip


def make_storable(text: str) -> str:
    """Without NUL and halves of surrogate pairs: JSON can carry them, neither UTF-8 nor Postgres can."""
    return text.replace("\0", "").encode(errors="ignore").decode()


class EngineError(Exception):
    """Ends one turn. `message` is for the user: it names the engine and says what to do."""

    code = "engine_error"
    model = ""  # which one was asked, where known
    status: int | None = None  # of HTTP
    retry_after_sec: float | None = None  # as the provider asks

    def __init__(self, kind: Kind, provider: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.provider = provider
        self.message = message


class EngineAuthError(EngineError):
    code = "invalid_provider_key"


class EngineQuotaError(EngineError):
    code = "insufficient_quota"


class EngineBusy(EngineQuotaError):
    code = "rate_limit_exceeded"


class EngineTimeout(EngineError):
    code = "engine_timeout"


class EngineUnavailable(EngineError):
    code = "engine_unavailable"


class EngineRejected(EngineError):
    code = "engine_rejected"


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """Which engine, and with what: all a factory in `registry` needs."""

    provider: str
    model: str = ""
    voice: str = ""
    api_key: str = ""  # Google: an API key, or the JSON text of a service account
    base_url: str = ""  # OpenAI: compatible server. Google: endpoint; http:// means plaintext gRPC
    timeout_sec: float = 15.0  # to the first byte, other tries included, and between two pieces
    public_only: bool = False  # a user typed base_url: only public addresses may be called
    stream_model: str = ""  # STT: the model that hears while one speaks; "" where the provider has none
    reasoning_effort: str = ""  # LLM; "" is "none" for OpenAI's own models, and not sent to compatible servers

    def __repr__(self) -> str:
        return f"EngineSpec({self.label()!r}, base_url={self.base_url!r})"  # the key stays out of logs

    def label(self) -> str:
        """`provider:model[:voice]`, as stored with items and shown to people."""
        return ":".join(part for part in (self.provider, self.model, self.voice) if part)


@dataclass(frozen=True, slots=True)
class Transcript:
    text: str  # "" when nothing was said
    seconds: float  # of audio, as billed


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call."""

    name: str  # letters, digits, _ and -; 64 characters at most
    description: str
    parameters: Mapping[str, Any]  # JSON schema of an object


@dataclass(frozen=True, slots=True)
class ToolCall:
    call_id: str
    name: str
    arguments: str  # JSON, as the model wrote it: it may be malformed


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user", "assistant", "tool"]
    content: str
    calls: tuple[ToolCall, ...] = ()  # the assistant's; each is answered by a message of the role “tool”
    call_id: str = ""  # of the call whose output a tool's message is


@dataclass(frozen=True, slots=True)
class CallPiece:
    """A piece of a call of a tool. The first of an index names it.

    Where the completion ends in "stop", `arguments` add up to what the model meant as JSON: "{}" at least.
    """

    index: int  # of the call within the completion, from 0
    call_id: str = ""  # of the first piece only, as `name`; 32 characters at most, unique among the messages
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """A piece of a streamed completion. The last piece carries `finish_reason`, and tokens where known."""

    text: str = ""
    call: CallPiece | None = None
    finish_reason: FinishReason | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    withdraws: bool = False  # what came before it was a thought, and is not said as far as it was not told yet


@dataclass(frozen=True, slots=True)
class Hints:
    """What helps to hear right."""

    language: str = ""  # such as en or de-AT; "" is as spoken
    prompt: str = ""
    keywords: tuple[str, ...] = ()  # names and terms that may be said


NO_HINTS = Hints()


class SpeechToText(Protocol):
    async def transcribe(self, pcm: bytes, hints: Hints = NO_HINTS) -> Transcript:
        """The words of one utterance. Raises EngineError."""
        ...


class TranscriptStream(Protocol):
    """Hears one session, utterance by utterance, over one upstream connection that is kept open across them.

    It reconnects by itself and replays what the current utterance's last commit did not settle. Its partial
    transcripts go to the `on_partial` it was made with: all words of the current utterance so far, with
    those settled.
    """

    def begin(self, hints: Hints) -> None:
        """A new utterance; what was sent and not committed is forgotten."""
        ...

    def send(self, pcm: bytes) -> None:
        """The utterance's next audio. Never waits, never raises."""
        ...

    async def commit(self) -> Transcript:
        """Settles what was sent so far: the words and the billed seconds of the whole utterance up to here.

        The utterance goes on with the next `send`; a later commit may be asked for while this one is awaited. Raises
        EngineError, and then the caller, who has the audio too, uses file speech to text for this utterance.
        """
        ...

    async def close(self) -> None: ...


@runtime_checkable
class Connectable(Protocol):
    """An engine of any kind may have this."""

    async def connect(self) -> None:
        """Makes a connection ready that the next request can use.

        Called at the start of a session and when the user begins to speak, so it is all but free when one is ready.
        Never raises: what is wrong shows in the request.
        """
        ...


@runtime_checkable
class Closable(Protocol):
    """An engine that keeps a connection has this."""

    async def close(self) -> None:
        """Ends what is open, at the end of a session."""
        ...


class StreamingSpeechToText(Protocol):
    def listen(self, on_partial: Callable[[str], None]) -> TranscriptStream:
        """Connectable in the background, so that the first utterance does not wait. Needs the running event loop."""
        ...


def _do_nothing() -> None: ...


class LanguageModel(Protocol):
    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        tools: Sequence[Tool] = (),
        tool_choice: str = "auto",
        on_thought: Callable[[], None] = _do_nothing,
    ) -> AsyncGenerator[Completion]:
        """Streams the reply. Closing the generator closes the upstream stream. Raises EngineError.

        `tool_choice`: "auto", "none", "required" (one or more of them), or the name of the one to call.
        `on_thought` is called while the model thinks, about once a second: pieces may be long in coming then.
        """
        ...


class S2SConnection(Protocol):
    """A Realtime conversation at its provider: events as JSON objects, for a relay."""

    async def send(self, event: dict[str, Any]) -> None:
        """Raises EngineError."""
        ...

    async def receive(self) -> dict[str, Any]:
        """The next event, without what is the account's alone. Raises EngineError once the connection is lost."""
        ...

    async def close(self) -> None: ...


class SpeechToSpeech(Protocol):
    async def connect(self) -> S2SConnection:
        """Raises EngineError."""
        ...

    def unexpected_answer_error(self) -> EngineError:
        """Why a connection was left whose events are none of the protocol."""
        ...


class TextToSpeech(Protocol):
    def speak(self, text: str, *, voice: str = "", language: str = "", speed: float = 1.0) -> AsyncGenerator[bytes]:
        """Streams PCM in whole samples. `voice` "" means the spec's, or the provider's own default.

        Closing the generator closes the upstream stream. Raises EngineError.
        """
        ...
