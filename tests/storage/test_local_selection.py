"""When this machine hears and speaks."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from accounts.models import User
from conversations.models import Assistant
from conversations.storage.engine_selection import EngineSet, choose_engines, is_served_by_this_machine
from tests.support.model_workbench import place_empty_model

TINY, BASE = "whisper-tiny.en", "whisper-base"


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.LOCAL_MODELS, settings.LOCAL_MODELS_DIR = [TINY], tmp_path
    place_empty_model(tmp_path, TINY)
    return tmp_path


def list_providers(engines: EngineSet) -> list[str]:
    return [engines.stt.provider, engines.llm.provider, engines.tts.provider]


def test_it_works(owner: User, folder: Path) -> None:
    engines = choose_engines(owner, Assistant())
    assert list_providers(engines) == ["local", "demo", "local"]
    assert (engines.stt.model, engines.stt.stream_model, engines.stt.folder) == (TINY, TINY, str(folder))
    assert (engines.tts.folder, engines.tts.stream_model, engines.tts.api_key) == (str(folder), "", "")
    assert engines.stt.get_label() == f"local:{TINY}"
    assert engines.demo_kinds == ["llm"]


def test_a_key_goes_first(owner: User, settings: Settings) -> None:
    settings.OPENAI_API_KEY = "sk-site"
    assert list_providers(choose_engines(owner, Assistant())) == ["openai", "openai", "openai-realtime"]
    assert not is_served_by_this_machine("stt")
    asked = choose_engines(owner, Assistant(stt_engine="local", stt_model=BASE, tts_engine="local"))
    assert list_providers(asked) == ["local", "openai", "local"]
    assert (asked.stt.model, asked.stt.api_key, asked.stt.base_url) == (BASE, "", "")


def test_a_site_that_speaks_with_google_hears_by_itself(owner: User, settings: Settings) -> None:
    settings.GOOGLE_API_KEY = "AIza-site"
    assert list_providers(choose_engines(owner, Assistant())) == ["local", "demo", "google"]
    assert (is_served_by_this_machine("stt"), is_served_by_this_machine("tts")) == (True, False)


def test_the_demo_stands_in_for_a_language_without_a_model(owner: User, folder: Path) -> None:
    german = Assistant(language="de-AT")
    assert list_providers(choose_engines(owner, german)) == ["demo", "demo", "demo"]
    assert (choose_engines(owner, german).stt.voice, choose_engines(owner, german).tts.voice) == ("", "de")
    assert choose_engines(owner, Assistant(language="fi")).tts.voice == "fi"
    assert choose_engines(owner, Assistant(language="de", tts_voice="en-gb")).tts.voice == "en-gb"
    place_empty_model(folder, BASE)
    engines = choose_engines(owner, german)
    assert (engines.stt.provider, engines.stt.model) == ("local", BASE)


def test_where_it_is_asked_for_its_model_is_named_even_if_it_is_missing(owner: User, settings: Settings) -> None:
    settings.LOCAL_MODELS_DIR = settings.LOCAL_MODELS_DIR / "empty"
    settings.STT_ENGINE = "local"
    engines = choose_engines(owner, None)
    assert (engines.stt.provider, engines.stt.model) == ("local", TINY)


def test_a_folder_of_the_users(owner: User, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "own" / "whisper").mkdir(parents=True)
    settings.LOCAL_STT_MODEL = str(tmp_path / "own" / "whisper")
    stt = choose_engines(owner, None).stt
    assert (stt.get_label(), stt.folder) == ("local:whisper", str(tmp_path / "own"))


def test_none(owner: User, settings: Settings) -> None:
    settings.LOCAL_MODELS = []
    assert list_providers(choose_engines(owner, Assistant())) == ["demo", "demo", "demo"]


def test_this_machine_behind_a_provider_where_the_admin_allows_it(
    owner: User, settings: Settings, folder: Path
) -> None:
    settings.OPENAI_API_KEY = "sk-site"
    assert choose_engines(owner, Assistant()).fallbacks == {}
    settings.LOCAL_FALLBACK = True
    engines = choose_engines(owner, Assistant(llm_engine="demo"))
    assert list_providers(engines) == ["openai", "demo", "openai-realtime"]
    assert {kind: [spec.get_label() for spec in specs] for kind, specs in engines.fallbacks.items()} == {
        "stt": [f"local:{TINY}"],
        "tts": ["local:hibari"],
    }
    assert is_served_by_this_machine("stt")
    assert list(choose_engines(owner, Assistant(language="de")).fallbacks) == []
