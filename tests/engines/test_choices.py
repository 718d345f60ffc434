"""Engines as people name them."""

import pytest

from conversations.engines.choices import EngineChoice, list_providers, parse_choices
from conversations.engines.engine_kinds import EngineKind


def test_it_works() -> None:
    assert parse_choices("llm", "openai:gpt-5-mini, local") == (
        EngineChoice("openai", "gpt-5-mini"),
        EngineChoice("local"),
    )
    assert parse_choices("tts", "google::en-US-Wavenet-A,openai:tts-1:nova") == (
        EngineChoice("google", "", "en-US-Wavenet-A"),
        EngineChoice("openai", "tts-1", "nova"),
    )
    assert parse_choices("stt", "") == ()


def test_a_name_of_a_language_model_may_have_colons() -> None:
    assert parse_choices("llm", "local:qwen3:4b-instruct") == (EngineChoice("local", "qwen3:4b-instruct"),)


def test_which_providers_there_are() -> None:
    assert list_providers("llm") == ["openai", "local", "demo"]


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("llm", "google", "contains 'google'; write provider:model, with one of these providers: demo, local, openai."),
        ("stt", "whisper-1", "one of these providers: demo, local, openai."),
        ("llm", ",".join(f"openai:m{number}" for number in range(6)), "names 6 engines; the limit is 5."),
    ],
)
def test_what_is_wrong_is_said(kind: EngineKind, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace(".", r"\.").replace("(", r"\(")):
        parse_choices(kind, text)
