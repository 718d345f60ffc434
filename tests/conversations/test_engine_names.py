"""The names of engines, as people read them."""

import pytest

from conversations.engine_names import describe_label, describe_spec
from conversations.engines.base import EngineSpec
from conversations.engines.engine_kinds import EngineKind


@pytest.mark.parametrize(
    ("kind", "label", "words"),
    [
        ("stt", "local:whisper-tiny.en", "Whisper tiny.en on this machine"),
        ("llm", "local:qwen3:4b-instruct", "qwen3:4b-instruct on this machine"),
        ("tts", "local:hibari:heart", "hibari, voice heart on this machine"),
        ("tts", "local:auto", "the best voice on this machine"),
        ("tts", "local:auto:bf_emma", "voice bf_emma on this machine"),
        ("stt", "demo:pocketsphinx", "pocketsphinx (demo)"),
        ("llm", "demo:eliza", "ELIZA (demo)"),
        ("tts", "demo:espeak-ng:en-us", "espeak-ng (demo)"),
        ("llm", "openai:gpt-6-luna", "gpt-6-luna (OpenAI or compatible)"),
        ("llm", "openai:ft:gpt:me", "ft:gpt:me (OpenAI or compatible)"),
        ("tts", "openai:gpt-4o-mini-tts:marin", "gpt-4o-mini-tts, voice marin (OpenAI or compatible)"),
        ("tts", "google:en-US-Chirp3-HD-Kore", "en-US-Chirp3-HD-Kore (Google Cloud)"),
        ("stt", "of-another-day", "of-another-day"),
    ],
)
def test_a_stored_label(kind: EngineKind, label: str, words: str) -> None:
    assert describe_label(label, kind) == words


def test_an_engine_that_serves() -> None:
    assert describe_spec(EngineSpec("local", "gemma3:4b")) == "gemma3:4b on this machine"
    assert describe_spec(EngineSpec("google", voice="en-US-Chirp3-HD-Kore")) == "en-US-Chirp3-HD-Kore (Google Cloud)"
