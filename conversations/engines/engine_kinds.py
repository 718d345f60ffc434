"""The kinds of engine."""

from typing import Literal

EngineKind = Literal["stt", "llm", "tts", "s2s"]
KIND_NAMES: dict[EngineKind, str] = {"stt": "Speech to text", "llm": "The language model", "tts": "Text to speech",
                               "s2s": "Speech to speech"}  # fmt: skip
