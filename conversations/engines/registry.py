"""From an EngineSpec to an engine. Modules load on first use: Google's client alone takes a third of a second."""

from importlib import import_module
from typing import Any, cast

from conversations.engines.base import (
    KIND_NAMES,
    EngineRejected,
    EngineSpec,
    Kind,
    LanguageModel,
    SpeechToSpeech,
    SpeechToText,
    StreamingSpeechToText,
    TextToSpeech,
)

ENGINES: dict[tuple[Kind, str], str] = {
    ("stt", "openai"): "conversations.engines.openai.stt.Transcriptions",
    ("llm", "openai"): "conversations.engines.openai.llm.ChatCompletions",
    ("tts", "openai"): "conversations.engines.openai.tts.Speech",
    ("tts", "openai-realtime"): "conversations.engines.openai.realtime_tts.ReadAloud",
    ("tts", "google"): "conversations.engines.google.CloudTextToSpeech",
    ("s2s", "openai"): "conversations.engines.openai.realtime_s2s.SpeechToSpeech",
    ("stt", "demo"): "conversations.engines.demo.stt.Pocketsphinx",
    ("llm", "demo"): "conversations.engines.demo.llm.Eliza",
    ("tts", "demo"): "conversations.engines.demo.tts.EspeakNG",
}

STREAMS: dict[str, str] = {"openai": "conversations.engines.openai.live_stt.LiveTranscriptions"}


def make_stt(spec: EngineSpec) -> SpeechToText:
    return cast(SpeechToText, load("stt", spec.provider)(spec))


def make_stt_stream(spec: EngineSpec) -> StreamingSpeechToText | None:
    """Speech to text that hears while one speaks; None where the provider or the site has none."""
    stream_class = load_stream(spec)
    return cast(StreamingSpeechToText, stream_class(spec)) if stream_class else None


def make_llm(spec: EngineSpec) -> LanguageModel:
    return cast(LanguageModel, load("llm", spec.provider)(spec))


def make_tts(spec: EngineSpec) -> TextToSpeech:
    return cast(TextToSpeech, load("tts", spec.provider)(spec))


def make_s2s(spec: EngineSpec) -> SpeechToSpeech:
    return cast(SpeechToSpeech, load("s2s", spec.provider)(spec))


def load(kind: Kind, provider: str) -> Any:
    """The engine's class. Slow the first time: call it in a thread at start for engines that will be used."""
    if (kind, provider) not in ENGINES:
        known = ", ".join(name for engine_kind, name in ENGINES if engine_kind == kind)
        raise EngineRejected(kind, provider, f"{KIND_NAMES[kind]}: there is no engine “{provider}”; use {known}.")
    return _load(ENGINES[kind, provider])


def load_stream(spec: EngineSpec) -> Any | None:
    """The class of speech to text that hears while one speaks, where `spec` has one."""
    return _load(STREAMS[spec.provider]) if spec.stream_model and spec.provider in STREAMS else None


def _load(path: str) -> Any:
    module, name = path.rsplit(".", 1)
    return getattr(import_module(module), name)
