"""The three chains of engines of a session, and which engine of each served an item or a response."""

from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from conversations import metrics
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
from conversations.engines.engine_kinds import EngineKind
from conversations.engines.local.voices.catalogue import find_choice, is_local_voice
from conversations.engines.voices import choose_fallback_voice
from conversations.session.engine_calls.engine_chain import EngineChain, Link
from conversations.session.engine_calls.engine_circuits import (
    EngineCircuit,
    WatchedLanguageModel,
    WatchedSpeechToText,
    WatchedTextToSpeech,
)
from conversations.session.engine_calls.observed import make_llm, make_stt, make_tts
from conversations.session.engine_calls.speech_cache import CachedSpeechToText, CachedTextToSpeech, Shelf
from conversations.storage.engine_selection import EngineSet

KEPT_VOICES = 64
# Amid a reply the turn sets no limit, but speech that falls 5 s behind is given up.
TTS_PATIENCE_SEC = 4.0


class EngineChains:
    """The engines of one session. With `keeps_words` transcripts are cached."""

    def __init__(self, engines: EngineSet, user_id: int, *, keeps_words: bool) -> None:
        self._caches: list[CachedSpeechToText] = []
        self._stt = EngineChain([self._link_stt(spec, user_id, keeps_words) for spec in engines.list_specs("stt")])
        self._llm = EngineChain([_link_llm(spec) for spec in engines.list_specs("llm")])
        self._tts = EngineChain([_link_tts(spec, user_id) for spec in engines.list_specs("tts")], TTS_PATIENCE_SEC)
        self._voices: deque[tuple[str, str]] = deque(maxlen=KEPT_VOICES)  # ids of responses, and voices

    def _link_stt(self, spec: EngineSpec, user_id: int, keeps_words: bool) -> Link[SpeechToText]:
        engine, circuit = make_stt(spec), EngineCircuit("stt", spec)
        shelf = Shelf("stt", spec, user_id, metrics.count_cache_lookup)
        self._caches.append(CachedSpeechToText(WatchedSpeechToText(engine, circuit), shelf, is_on=keeps_words))
        return Link(spec, self._caches[-1], circuit, engine.engine)

    def list_cores(self) -> Iterator[object]:
        """Yield the engines themselves, all of them."""
        for chain in (self._stt, self._llm, self._tts):
            yield from (link.core for link in chain.links)

    def list_next_cores(self) -> list[object]:
        """Return the engines themselves that the next calls would go to."""
        return [self._stt.choose_next().core, self._llm.choose_next().core, self._tts.choose_next().core]

    def stop_caching(self) -> None:
        """Cache no more transcripts."""
        for cache in self._caches:
            cache.stop()

    def get_label(self, kind: EngineKind, key: str) -> str:
        """Return which engine served the item or response of this id, as it is stored."""
        chain = self._get_chain(kind)
        number = chain.find_number(key)
        spec = chain.links[number].spec
        if kind == "tts" and spec.provider == "local":
            spec = replace(spec, model=find_choice(spec.folder, spec.model))
        voice = dict(self._voices).get(key) if kind == "tts" and number == 0 else None
        return (replace(spec, voice=voice) if voice else spec).get_label()

    def _get_chain(self, kind: EngineKind) -> EngineChain[Any]:
        chains: dict[EngineKind, EngineChain[Any]] = {"stt": self._stt, "llm": self._llm, "tts": self._tts}
        return chains[kind]

    def has_fallen_back(self, kind: EngineKind, key: str) -> bool:
        """Return whether another engine than the chosen one served the item or response of this id."""
        return self._get_chain(kind).find_number(key) > 0

    def note_voice(self, response_id: str, voice: str) -> None:
        """Note that a response is spoken with this voice of this machine, which tells which of its models speaks."""
        is_here = self._tts.links[0].spec.provider == "local"
        is_ours = is_here and is_local_voice(voice) and voice.isprintable()
        if is_ours and (response_id, voice) not in self._voices:
            self._voices.append((response_id, voice))

    async def transcribe(self, pcm: bytes, hints: Hints, item_id: str) -> Transcript:
        """Return the words by the first engine that finds any. Raise EngineError."""
        return await self._stt.call(item_id, lambda engine: engine.transcribe(pcm, hints))

    def get_llm(self, response_id: str, is_unheard: Callable[[], bool] = lambda: False) -> LanguageModel:
        """Return the language models as one, for one response. `is_unheard` says whether its words may be replaced."""
        if len(self._llm.links) == 1:
            return self._llm.links[0].engine
        return ChainedLanguageModel(self._llm, response_id, is_unheard)

    def get_tts(self, response_id: str) -> TextToSpeech:
        """Return the voices as one, for one response."""
        return ChainedTextToSpeech(self._tts, response_id) if len(self._tts.links) > 1 else self._tts.links[0].engine


def _link_llm(spec: EngineSpec) -> Link[LanguageModel]:
    engine, circuit = make_llm(spec), EngineCircuit("llm", spec)
    return Link(spec, WatchedLanguageModel(engine, circuit), circuit, engine.engine)


def _link_tts(spec: EngineSpec, user_id: int) -> Link[TextToSpeech]:
    engine, circuit = make_tts(spec), EngineCircuit("tts", spec)
    shelf = Shelf("tts", spec, user_id, metrics.count_cache_lookup)
    return Link(spec, CachedTextToSpeech(WatchedTextToSpeech(engine, circuit), shelf), circuit, engine.engine)


@dataclass(slots=True)
class ChainedLanguageModel:
    """The language models of a session, for one response."""

    chain: EngineChain[LanguageModel]
    response_id: str
    is_unheard: Callable[[], bool]

    async def complete(self, messages: Sequence[ChatMessage], **options: Any) -> AsyncGenerator[Completion]:
        has_called = False  # a tool, which cannot be taken back

        def withdraw() -> Completion | None:
            return Completion(withdraws=True) if self.is_unheard() and not has_called else None

        stream = self.chain.stream(self.response_id, lambda link: link.engine.complete(messages, **options), withdraw)
        async with aclosing(stream) as pieces:
            async for piece in pieces:
                has_called = has_called or piece.call is not None
                yield piece


@dataclass(slots=True)
class ChainedTextToSpeech:
    """The voices of a session, for one response. A fallback keeps the voice where it has it too."""

    chain: EngineChain[TextToSpeech]
    response_id: str

    def speak(self, text: str, *, voice: str = "", language: str = "", speed: float = 1.0) -> AsyncGenerator[bytes]:
        chosen = self.chain.links[0]

        def speak_by(link: Link[TextToSpeech]) -> AsyncGenerator[bytes]:
            own = voice if link is chosen else choose_fallback_voice(link.spec, chosen.spec, voice)
            return link.engine.speak(text, voice=own, language=language, speed=speed)

        return self.chain.stream(self.response_id, speak_by)
