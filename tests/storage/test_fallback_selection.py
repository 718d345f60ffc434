"""Which engines answer in place of those that fail."""

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import ProviderKey, User
from accounts.security import encryption
from conversations.engines.choices import EngineChoice
from conversations.engines.engine_kinds import EngineKind
from conversations.models import Assistant
from conversations.storage.engine_selection import EngineSet, choose_engines, choose_engines_of_each
from tests.support.model_workbench import place_empty_model

TINY = "whisper-tiny.en"


@pytest.fixture(autouse=True)
def site(settings: Settings) -> None:
    settings.OPENAI_API_KEY = "sk-site"


@pytest.fixture
def assistant(db: None) -> Assistant:
    return Assistant.objects.create(slug="captain", name="Captain", instructions="Speak.", tts_voice="cedar")


def list_labels(engines: EngineSet, kind: EngineKind) -> list[str]:
    return [spec.get_label() for spec in engines.fallbacks.get(kind, ())]


def test_it_works(owner: User, assistant: Assistant) -> None:
    for position, model in ((2, "gpt-c"), (1, "gpt-b")):
        assistant.fallbacks.create(kind="llm", provider="openai", model=model, position=position)
    assistant.fallbacks.create(kind="tts", provider="openai", model="tts-1", voice="nova", position=0)
    engines = choose_engines(owner, assistant)
    assert list_labels(engines, "llm") == ["openai:gpt-b", "openai:gpt-c"]
    assert list_labels(engines, "tts") == ["openai:tts-1:nova"]
    assert list_labels(engines, "stt") == []
    assert {spec.api_key for spec in engines.list_specs("llm")} == {"sk-site"}


def test_what_the_site_says_where_an_assistant_says_nothing(
    owner: User, settings: Settings, assistant: Assistant
) -> None:
    settings.LLM_FALLBACK = (EngineChoice("openai", "gpt-site"),)
    assert list_labels(choose_engines(owner, assistant), "llm") == ["openai:gpt-site"]
    assert list_labels(choose_engines(owner, None), "llm") == ["openai:gpt-site"]
    assistant.fallbacks.create(kind="llm", provider="openai", model="gpt-own")
    assert list_labels(choose_engines(owner, assistant), "llm") == ["openai:gpt-own"]


def test_one_without_a_credential_is_left_out(owner: User, settings: Settings, assistant: Assistant) -> None:
    assistant.fallbacks.create(kind="tts", provider="google")
    assert list_labels(choose_engines(owner, assistant), "tts") == []
    settings.GOOGLE_API_KEY, settings.TTS_ENGINE = "AIza-site", "openai"
    assert list_labels(choose_engines(owner, assistant), "tts") == ["google:en-US-Chirp3-HD-Kore"]


def test_a_users_own_key_serves_the_fallbacks_too(owner: User, assistant: Assistant) -> None:
    fields: Any = {"secret_encrypted": encryption.encrypt("sk-mine"), "tested_at": timezone.now()}
    ProviderKey.objects.create(user=owner, provider="openai", base_url="https://my.example/v1", **fields)
    assistant.fallbacks.create(kind="llm", provider="openai", model="gpt-b")
    [spec] = choose_engines(owner, assistant).fallbacks["llm"]
    assert (spec.api_key, spec.base_url, spec.public_only) == ("sk-mine", "https://my.example/v1", True)


def test_the_chosen_engine_is_not_its_own_fallback(owner: User, settings: Settings, assistant: Assistant) -> None:
    settings.LLM_MODEL = "gpt-a"
    settings.LLM_FALLBACK = (EngineChoice("openai"), EngineChoice("openai", "gpt-b"), EngineChoice("openai", "gpt-b"))
    assert list_labels(choose_engines(owner, assistant), "llm") == ["openai:gpt-b"]


def test_a_list_from_elsewhere_is_cut(owner: User, assistant: Assistant) -> None:
    """The form has the same limit."""
    for number in range(20):
        assistant.fallbacks.create(kind="llm", provider="openai", model=f"gpt-{number}", position=number)
    assistant.fallbacks.create(kind="llm", provider="google", position=0)
    assert list_labels(choose_engines(owner, assistant), "llm") == [f"openai:gpt-{number}" for number in range(5)]


def test_this_machine_ends_every_list_where_the_settings_say_so(
    owner: User, settings: Settings, assistant: Assistant, tmp_path: Path
) -> None:
    settings.LOCAL_MODELS, settings.LOCAL_MODELS_DIR, settings.LOCAL_FALLBACK = [TINY], tmp_path, True
    place_empty_model(tmp_path, TINY)
    assistant.fallbacks.create(kind="stt", provider="openai", model="whisper-1")
    engines = choose_engines(owner, assistant)
    assert list_labels(engines, "stt") == ["openai:whisper-1", f"local:{TINY}"]
    assert list_labels(engines, "tts") == ["local:hibari"]


def test_a_model_that_is_not_here_is_left_out(
    owner: User, settings: Settings, assistant: Assistant, tmp_path: Path
) -> None:
    settings.LOCAL_MODELS, settings.LOCAL_MODELS_DIR = [TINY], tmp_path
    assistant.fallbacks.create(kind="stt", provider="local")
    assistant.fallbacks.create(kind="stt", provider="local", model="whisper-base")
    assistant.fallbacks.create(kind="llm", provider="local")
    assert choose_engines(owner, assistant).fallbacks == {}
    place_empty_model(tmp_path, TINY)
    assert list_labels(choose_engines(owner, assistant), "stt") == [f"local:{TINY}"]


def test_all_lists_take_one_query(owner: User, assistant: Assistant, django_assert_num_queries: Any) -> None:
    others = [Assistant.objects.create(slug=f"a{number}", name="A", instructions="B") for number in range(5)]
    for one in (assistant, *others):
        one.fallbacks.create(kind="llm", provider="openai", model="gpt-b")
    with django_assert_num_queries(3):  # two for the keys
        found = choose_engines_of_each(owner, [assistant, *others])
    assert [list_labels(engines, "llm") for engines in found] == [["openai:gpt-b"]] * 6
