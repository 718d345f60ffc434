"""The circuits of the engines that this process calls. Each opening and closing is logged once, and counted.

A circuit belongs to an engine as one credential calls it: a key that is refused, or out of credit, closes no door to
those who have another one.
"""

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from functools import lru_cache
from hashlib import blake2b
from secrets import token_bytes
from time import monotonic
from typing import Any, NamedTuple, TypeVar

from django.conf import settings

from conversations import metrics
from conversations.engines import incidents
from conversations.engines.base import (
    NO_HINTS,
    ChatMessage,
    Completion,
    EngineSpec,
    Hints,
    LanguageModel,
    SpeechToText,
    TextToSpeech,
    Transcript,
)
from conversations.engines.circuit_breaker import CircuitLimits, Circuits, shows_trouble
from conversations.engines.engine_kinds import EngineKind
from conversations.engines.errors import EngineError
from conversations.engines.incidents import EngineIncident

T = TypeVar("T")
SALT = token_bytes(16)


class EngineKey(NamedTuple):
    """What a circuit stands for."""

    kind: EngineKind
    provider: str
    base_url: str
    account: bytes
    model: str
    of_user: bool


@lru_cache(maxsize=1)
def get_circuits() -> Circuits[EngineKey]:
    """Return the circuits of this process."""
    return Circuits(CircuitLimits(settings.ENGINE_CIRCUIT_FAILURES, cool_down_sec=settings.ENGINE_CIRCUIT_SEC))


_counted: set[tuple[EngineKind, str]] = set()  # of which the metrics say that some are open


def _count_open(kind: EngineKind, provider: str, now: float) -> None:
    """Tell the metrics of the site's own engines: a user's key that is refused is no matter for operators."""
    ours = ((key, circuit) for key, circuit in get_circuits() if not key.of_user)
    alike = [circuit for key, circuit in ours if (key.kind, key.provider) == (kind, provider)]
    count = sum(circuit.is_in_trouble(now) for circuit in alike)
    metrics.set_open_circuits(kind, provider, count)
    (_counted.add if count else _counted.discard)((kind, provider))


class EngineCircuit:
    """The circuit of one engine, which learns of each call that goes through here."""

    def __init__(self, kind: EngineKind, spec: EngineSpec, now: Callable[[], float] = monotonic) -> None:
        self._kind, self._spec, self._now = kind, spec, now
        account = blake2b(spec.api_key.encode(), key=SALT, digest_size=16).digest()
        if (kind, spec.provider) in _counted:
            _count_open(kind, spec.provider, now())  # some may be forgotten
        self._circuit = get_circuits().find(
            EngineKey(kind, spec.provider, spec.base_url, account, spec.model, spec.of_user)
        )

    @property
    def retry_at(self) -> float:
        """Return when the engine is tried again; it says only which of several open ones is tried first."""
        return self._circuit.retry_at

    def admits(self) -> bool:
        """Return whether a call is worth its time now."""
        return self._circuit.admits(self._now())

    @contextmanager
    def try_out(self) -> Iterator[None]:
        """Keep others from trying an engine that may have recovered, until the call of this block has shown it."""
        is_trial = self._circuit.begin_trial(self._now())
        try:
            yield
        finally:
            if is_trial:
                self._circuit.end_trial()

    def note_success(self) -> None:
        """Note that the engine brought output."""
        if self._circuit.note_success(self._now()):
            self._publish("circuit_closed", "recovered")

    def note_failure(self, error: EngineError) -> None:
        """Note that a call failed, if that speaks against the engine."""
        if shows_trouble(error, self._spec.timeout_sec) and self._circuit.note_failure(self._now()):
            self._publish("circuit_opened", error.code, error.status)

    async def watch(self, stream: AsyncGenerator[T]) -> AsyncGenerator[T]:
        """Yield what the engine streams, and learn from its first piece and from its failure."""
        has_begun = False
        async with aclosing(stream) as pieces:
            try:
                async for piece in pieces:
                    if not has_begun:
                        has_begun = True
                        self.note_success()
                    yield piece
            except EngineError as error:
                self.note_failure(error)
                raise

    def _publish(self, outcome: incidents.Outcome, code: str, status: int | None = None) -> None:
        spec = self._spec
        incidents.publish(EngineIncident(self._kind, spec.provider, spec.model, outcome, code, status))
        _count_open(self._kind, spec.provider, self._now())


class WatchedSpeechToText:
    """Speech to text whose circuit learns of each call."""

    def __init__(self, engine: SpeechToText, circuit: EngineCircuit) -> None:
        self._engine, self._circuit = engine, circuit

    async def transcribe(self, pcm: bytes, hints: Hints = NO_HINTS) -> Transcript:
        try:
            found = await self._engine.transcribe(pcm, hints)
        except EngineError as error:
            self._circuit.note_failure(error)
            raise
        self._circuit.note_success()
        return found


class WatchedLanguageModel:
    """A language model whose circuit learns of each call."""

    def __init__(self, engine: LanguageModel, circuit: EngineCircuit) -> None:
        self._engine, self._circuit = engine, circuit

    def complete(self, messages: Sequence[ChatMessage], **options: Any) -> AsyncGenerator[Completion]:
        return self._circuit.watch(self._engine.complete(messages, **options))


class WatchedTextToSpeech:
    """Text to speech whose circuit learns of each call."""

    def __init__(self, engine: TextToSpeech, circuit: EngineCircuit) -> None:
        self._engine, self._circuit = engine, circuit

    def speak(self, text: str, *, voice: str = "", language: str = "", speed: float = 1.0) -> AsyncGenerator[bytes]:
        return self._circuit.watch(self._engine.speak(text, voice=voice, language=language, speed=speed))
