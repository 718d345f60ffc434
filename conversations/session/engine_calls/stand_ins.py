"""This machine's engines in place of a provider that fails before its first output, where LOCAL_FALLBACK allows it.

What fails later ends as it would without them: half a reply by one voice, and half by another, helps nobody.
"""

from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any, TypeVar

from conversations.engines import incidents
from conversations.engines.base import (
    ChatMessage,
    Completion,
    EngineSpec,
    Hints,
    LanguageModel,
    SpeechToText,
    TextToSpeech,
    Transcript,
)
from conversations.engines.deadline import get_remaining_sec, set_deadline
from conversations.engines.engine_kinds import EngineKind
from conversations.engines.errors import EngineError
from conversations.engines.local.voices.catalogue import find_choice, is_local_voice
from conversations.session.engine_calls.observed import make_llm, make_stt, make_tts
from conversations.storage.engine_selection import EngineSet

KEPT_IDS = 64
T = TypeVar("T")


class StandIns:
    """The engines that stand in for those of one session, and for which items and responses they did."""

    def __init__(self, engines: EngineSet) -> None:
        specs = engines.stand_ins
        self._engines = engines
        self._stt = make_stt(specs["stt"]) if "stt" in specs else None
        self._llm = make_llm(specs["llm"]) if "llm" in specs else None
        self._tts = make_tts(specs["tts"]) if "tts" in specs else None
        self._served: deque[tuple[EngineKind, str]] = deque(maxlen=KEPT_IDS)
        self._voices: deque[tuple[str, str]] = deque(maxlen=KEPT_IDS)  # ids of responses, and voices

    def get_label(self, kind: EngineKind, key: str) -> str:
        """Return which engine served the item or response of this id, as it is stored."""
        stood_in = (kind, key) in self._served
        spec: EngineSpec = self._engines.stand_ins[kind] if stood_in else getattr(self._engines, kind)
        if kind == "tts" and spec.provider == "local":
            spec = replace(spec, model=find_choice(spec.folder, spec.model))
        voice = dict(self._voices).get(key) if kind == "tts" and not stood_in else None
        return (replace(spec, voice=voice) if voice else spec).get_label()

    def note_voice(self, response_id: str, voice: str) -> None:
        """Note that a response is spoken with this voice of this machine, which tells which of its models speaks."""
        is_ours = self._engines.tts.provider == "local" and is_local_voice(voice) and voice.isprintable()
        if is_ours and (response_id, voice) not in self._voices:
            self._voices.append((response_id, voice))

    def has_served(self, kind: EngineKind, key: str) -> bool:
        """Return whether an engine of this machine stood in for the item or response of this id."""
        return (kind, key) in self._served

    async def transcribe(self, chosen: SpeechToText, pcm: bytes, hints: Hints, item_id: str) -> Transcript:
        """Return the words by the chosen engine, or by the one that stands in for it. Raise EngineError."""
        if self._stt is None:
            return await chosen.transcribe(pcm, hints)
        try:
            with leave_time_for_another():
                return await chosen.transcribe(pcm, hints)
        except EngineError as error:
            incidents.report(error, "fell_back")
        self._note("stt", item_id)
        return await self._stt.transcribe(pcm, hints)

    def back_llm(self, chosen: LanguageModel, response_id: str) -> LanguageModel:
        """Return the chosen engine, with the one behind it that stands in for it in this response."""
        if self._llm is None:
            return chosen
        return BackedLanguageModel(chosen, self._llm, lambda: self._note("llm", response_id))

    def back_tts(self, chosen: TextToSpeech, response_id: str) -> TextToSpeech:
        """Return the chosen engine, with the one behind it that stands in for it in the rest of this response."""
        if self._tts is None:
            return chosen
        return BackedTextToSpeech(chosen, self._tts, lambda: self._note("tts", response_id))

    def _note(self, kind: EngineKind, key: str) -> None:
        if (kind, key) not in self._served:
            self._served.append((kind, key))


@dataclass(slots=True)
class BackedLanguageModel:
    """A language model, and one of this machine."""

    chosen: LanguageModel
    other: LanguageModel
    note: Callable[[], None]

    def complete(self, messages: Sequence[ChatMessage], **options: Any) -> AsyncGenerator[Completion]:
        return stream_by_either(
            self.chosen.complete(messages, **options), lambda: self.other.complete(messages, **options), self.note
        )


@dataclass(slots=True)
class BackedTextToSpeech:
    """Text to speech, and one of this machine, whose own voice speaks."""

    chosen: TextToSpeech
    other: TextToSpeech
    note: Callable[[], None]
    has_failed: bool = False

    def speak(self, text: str, *, voice: str = "", language: str = "", speed: float = 1.0) -> AsyncGenerator[bytes]:
        def speak_here() -> AsyncGenerator[bytes]:
            return self.other.speak(text, language=language, speed=speed)

        if self.has_failed:
            return speak_here()
        return stream_by_either(
            self.chosen.speak(text, voice=voice, language=language, speed=speed), speak_here, self._fail
        )

    def _fail(self) -> None:
        self.has_failed = True
        self.note()


async def stream_by_either(
    chosen: AsyncGenerator[T], open_other: Callable[[], AsyncGenerator[T]], note: Callable[[], None]
) -> AsyncGenerator[T]:
    """Yield what `chosen` yields; if it fails before its first piece, what the other one does. Raise EngineError."""
    async with aclosing(chosen) as pieces:
        try:
            with leave_time_for_another():
                first = await anext(pieces, None)
        except EngineError as error:
            incidents.report(error, "fell_back")
        else:
            if first is not None:
                yield first
                async for piece in pieces:
                    yield piece
            return
    note()
    async with aclosing(open_other()) as pieces:
        async for piece in pieces:
            yield piece


@contextmanager
def leave_time_for_another() -> Iterator[None]:
    """Let the engine calls of this block take half of the time that the turn has left."""
    with set_deadline(monotonic() + get_remaining_sec() / 2):
        yield
