"""What an engine is: a small Protocol for each kind, and the data that they exchange.

Nothing under `engines/` imports Django or the models. Audio is the PCM of `conversations.pcm`; where a provider has
another format, its own module converts.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from conversations.engines.errors import EngineError

FinishReason = Literal["stop", "length", "content_filter"]


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """Which engine to use, and how to reach it: all that a factory in `registry` needs."""

    provider: str
    model: str = ""
    voice: str = ""
    api_key: str = ""  # Google: an API key, or the JSON text of a service account
    base_url: str = ""  # OpenAI: compatible server. Google: endpoint; http:// means plaintext gRPC
    timeout_sec: float = 15.0  # to the first output, retries included, and between two pieces of output
    public_only: bool = False  # a user typed base_url, so only public addresses may be called
    of_user: bool = False  # api_key is a user's own, not the site's
    stream_model: str = ""  # STT: the model that transcribes while the user speaks; "" if the provider has none
    folder: str = ""  # local engines: where the models are, each in a folder of its name
    reasoning_effort: str = ""  # LLM; "" is "none" for OpenAI's own models, and not sent to compatible servers

    def __repr__(self) -> str:
        return f"EngineSpec({self.get_label()!r}, base_url={self.base_url!r})"  # the key stays out of logs

    def get_label(self) -> str:
        """Return `provider:model[:voice]`, as it is stored with items and shown to people."""
        return ":".join(part for part in (self.provider, self.model, self.voice) if part)


@dataclass(frozen=True, slots=True)
class Transcript:
    """The words of one utterance."""

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
    """A call of a tool by the model, as later requests repeat it."""

    call_id: str
    name: str
    arguments: str  # JSON, as the model wrote it: it may be malformed


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of the context that a language model is given."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    calls: tuple[ToolCall, ...] = ()  # of an assistant message; each is answered by a message of role "tool"
    call_id: str = ""  # of a tool message: the call whose output it holds


@dataclass(frozen=True, slots=True)
class CallPiece:
    """A piece of a streamed tool call. The first piece of each index carries its id and name.

    When the completion ends with "stop", the `arguments` of all pieces add up to what the model meant as JSON: at
    least "{}".
    """

    index: int  # of the call within the completion, from 0
    call_id: str = ""  # in the first piece only, like `name`; at most 32 characters, unique among the messages
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """A piece of a streamed completion. The last one carries `finish_reason`, and token counts where known."""

    text: str = ""
    call: CallPiece | None = None
    finish_reason: FinishReason | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    withdraws: bool = False  # all text before this piece was a thought: what has not been spoken yet must not be


@dataclass(frozen=True, slots=True)
class Hints:
    """What helps speech to text to recognise the right words."""

    language: str = ""  # such as en or de-AT; "" lets the engine detect it
    prompt: str = ""
    keywords: tuple[str, ...] = ()  # names and terms that may be said


NO_HINTS = Hints()


class SpeechToText(Protocol):
    """Transcribes whole utterances."""

    async def transcribe(self, pcm: bytes, hints: Hints = NO_HINTS) -> Transcript:
        """Return the transcript of one utterance, or raise EngineError."""
        ...


class TranscriptStream(Protocol):
    """Transcribes one session's audio while it is spoken, over one upstream connection kept across utterances.

    It reconnects by itself, and then sends again what the provider had not transcribed for good. Partial transcripts
    go to the `on_partial` that it was created with: all words of the current utterance so far.
    """

    def begin(self, hints: Hints) -> None:
        """Begin a new utterance, and forget audio that was sent but not committed."""
        ...

    def send(self, pcm: bytes) -> None:
        """Send the next audio of the utterance. It neither waits nor raises."""
        ...

    async def commit(self) -> Transcript:
        """Return the final words, and the billed seconds, of the whole utterance up to here.

        The utterance may go on with another `send`, and a later commit may be asked for while this one is awaited.
        Raise EngineError when the stream cannot answer; the caller, who has the audio too, then transcribes this
        utterance with file speech to text.
        """
        ...

    async def close(self) -> None:
        """Close the connection, at the end of the session."""
        ...


@runtime_checkable
class Connectable(Protocol):
    """An engine, of any kind, that can connect before it is needed."""

    async def connect(self) -> None:
        """Open a connection that the next request can use.

        It is called at the start of a session and whenever the user begins to speak, so it costs next to nothing
        when a connection is ready. It never raises: what is wrong shows in the request.
        """
        ...


@runtime_checkable
class Closable(Protocol):
    """An engine that keeps a connection of its own open."""

    async def close(self) -> None:
        """Close what is open, at the end of a session."""
        ...


class StreamingSpeechToText(Protocol):
    """Speech to text that can transcribe while the user speaks."""

    def listen(self, on_partial: Callable[[str], None]) -> TranscriptStream:
        """Connect in the background, so that the first utterance does not wait. Needs the running event loop."""
        ...


def _do_nothing() -> None: ...


class LanguageModel(Protocol):
    """Write replies."""

    def complete(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int | None = None,
        tools: Sequence[Tool] = (),
        tool_choice: str = "auto",
        on_thought: Callable[[], None] = _do_nothing,
    ) -> AsyncGenerator[Completion]:
        """Stream the reply, or raise EngineError. Closing the generator closes the upstream stream.

        `tool_choice` is "auto", "none", "required" (at least one call), or the name of the tool to call.
        `on_thought` is called about once a second while the model thinks: the next piece may then take long.
        """
        ...


class S2SConnection(Protocol):
    """A Realtime conversation at the provider, for a relay. Events are JSON objects."""

    async def send(self, event: dict[str, Any]) -> None:
        """Send one client event, or raise EngineError."""
        ...

    async def receive(self) -> dict[str, Any]:
        """Return the next server event, without details of the account, or raise EngineError once it is lost."""
        ...

    async def close(self) -> None:
        """Close the connection."""
        ...


class SpeechToSpeech(Protocol):
    """One model that hears and speaks."""

    async def connect(self) -> S2SConnection:
        """Open a conversation, or raise EngineError."""
        ...

    def build_unexpected_answer_error(self) -> EngineError:
        """Return the error for a provider whose events do not follow the protocol."""
        ...


class TextToSpeech(Protocol):
    """Speaks text."""

    def speak(self, text: str, *, voice: str = "", language: str = "", speed: float = 1.0) -> AsyncGenerator[bytes]:
        """Stream PCM in whole samples, or raise EngineError. Closing the generator closes the upstream stream.

        `voice` "" means the voice of the spec, or else the provider's default. `speed` 1.0 is the voice's own pace.
        """
        ...
