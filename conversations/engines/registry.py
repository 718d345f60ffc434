"""Build the engine of an EngineSpec. Modules load on first use: Google's client alone takes a third of a second."""

from importlib import import_module
from typing import Any, cast

from conversations.engines.base import (
    EngineSpec,
    LanguageModel,
    SpeechToSpeech,
    SpeechToText,
    StreamingSpeechToText,
    TextToSpeech,
)
from conversations.engines.engine_kinds import KIND_NAMES, EngineKind
from conversations.engines.errors import EngineRejected

ENGINES: dict[tuple[EngineKind, str], str] = {
    ("stt", "openai"): "conversations.engines.openai.stt.Transcriptions",
    ("llm", "openai"): "conversations.engines.openai.llm.ChatCompletions",
    ("tts", "openai"): "conversations.engines.openai.tts.Speech",
    ("tts", "openai-realtime"): "conversations.engines.openai.realtime_tts.ReadAloud",
    ("tts", "google"): "conversations.engines.google.CloudTextToSpeech",
    ("s2s", "openai"): "conversations.engines.openai.realtime_s2s.SpeechToSpeech",
    ("llm", "local"): "conversations.engines.local_servers.llm.LocalChat",
    ("stt", "local"): "conversations.engines.local.whisper.stt.Whisper",
    ("stt", "demo"): "conversations.engines.demo.stt.Pocketsphinx",
    ("llm", "demo"): "conversations.engines.demo.llm.Eliza",
    ("tts", "local"): "conversations.engines.local.voices.tts.LocalVoices",
    ("tts", "demo"): "conversations.engines.demo.tts.EspeakNG",
}

STREAMS: dict[str, str] = {
    "openai": "conversations.engines.openai.realtime_stt.RealtimeTranscriptions",
    "local": "conversations.engines.local.whisper.stt_stream.LocalTranscriptions",
}


def make_stt(spec: EngineSpec) -> SpeechToText:
    """Return speech to text for whole utterances, or raise EngineRejected for an unknown provider."""
    return cast(SpeechToText, load("stt", spec.provider)(spec))


def make_stt_stream(spec: EngineSpec) -> StreamingSpeechToText | None:
    """Return speech to text that transcribes while the user speaks; None if the provider or the site has none."""
    stream_class = load_stream(spec)
    return cast(StreamingSpeechToText, stream_class(spec)) if stream_class else None


def make_llm(spec: EngineSpec) -> LanguageModel:
    """Return a language model, or raise EngineRejected for an unknown provider."""
    return cast(LanguageModel, load("llm", spec.provider)(spec))


def make_tts(spec: EngineSpec) -> TextToSpeech:
    """Return text to speech, or raise EngineRejected for an unknown provider."""
    return cast(TextToSpeech, load("tts", spec.provider)(spec))


def make_s2s(spec: EngineSpec) -> SpeechToSpeech:
    """Return speech to speech, or raise EngineRejected for an unknown provider."""
    return cast(SpeechToSpeech, load("s2s", spec.provider)(spec))


def load(kind: EngineKind, provider: str) -> Any:
    """Return the class of an engine, or raise EngineRejected.

    The first call for an engine is slow, so call it in a thread at the start for those that will be used.
    """
    if (kind, provider) not in ENGINES:
        known = ", ".join(name for engine_kind, name in ENGINES if engine_kind == kind)
        raise EngineRejected(kind, provider, f"{KIND_NAMES[kind]}: there is no engine “{provider}”. Use {known}.")
    return _load(ENGINES[kind, provider])


def load_stream(spec: EngineSpec) -> Any | None:
    """Return the class that transcribes while the user speaks; None if `spec` has none."""
    return _load(STREAMS[spec.provider]) if spec.stream_model and spec.provider in STREAMS else None


def _load(path: str) -> Any:
    module, name = path.rsplit(".", 1)
    return getattr(import_module(module), name)
