"""Which of this machine's models hears or speaks."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from conversations import local_choice
from conversations.local_choice import find_model, list_choices, list_missing_models
from tests.support.model_workbench import place_empty_model

TINY, BASE, KOKORO = "whisper-tiny.en", "whisper-base", "kokoro"


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.LOCAL_MODELS, settings.LOCAL_MODELS_DIR = [TINY], tmp_path
    settings.LOCAL_STT_MODEL = settings.LOCAL_TTS_MODEL = ""
    return tmp_path


def test_it_works(folder: Path) -> None:
    assert find_model("stt", "") == ""
    place_empty_model(folder, TINY)
    assert [find_model("stt", language) for language in ("", "en", "en-GB", "EN_us", "de", "es")] == [
        TINY, TINY, TINY, TINY, "", "",
    ]  # fmt: skip


def test_the_first_that_knows_the_language(folder: Path, settings: Settings) -> None:
    place_empty_model(folder, TINY)
    place_empty_model(folder, BASE)  # which is not in LOCAL_MODELS, but was fetched by its name
    assert [find_model("stt", language) for language in ("", "en", "de-AT")] == [TINY, TINY, BASE]
    settings.LOCAL_MODELS = [BASE, TINY]
    assert [find_model("stt", language) for language in ("", "en", "de-AT")] == [BASE, BASE, BASE]


def test_half_a_model_is_none(folder: Path) -> None:
    place_empty_model(folder, TINY)
    with (folder / TINY / "model.bin").open("ab") as file:
        file.truncate(1_000)
    assert find_model("stt", "en") == ""


def test_a_model_that_was_chosen_is_the_only_choice(folder: Path, settings: Settings) -> None:
    place_empty_model(folder, TINY)
    place_empty_model(folder, BASE)
    settings.LOCAL_STT_MODEL = BASE
    assert (find_model("stt", "en"), list_choices("stt")[0]) == (BASE, BASE)
    settings.LOCAL_STT_MODEL = TINY
    assert find_model("stt", "de") == ""


def test_a_folder_of_the_users(folder: Path, settings: Settings) -> None:
    settings.LOCAL_STT_MODEL = str(folder / "own")
    assert find_model("stt", "de") == ""
    (folder / "own").mkdir()
    assert find_model("stt", "de") == str(folder / "own")


def test_voices(folder: Path, settings: Settings) -> None:
    assert [find_model("tts", language) for language in ("", "en-GB", "es", "de")] == ["hibari", "hibari", "", ""]
    place_empty_model(folder, KOKORO)
    assert [find_model("tts", language) for language in ("", "es", "de")] == ["auto", KOKORO, ""]
    settings.LOCAL_TTS_MODEL = "hibari"
    assert [find_model("tts", language) for language in ("", "es")] == ["hibari", ""]
    settings.LOCAL_TTS_MODEL = KOKORO
    assert find_model("tts", "en") == KOKORO


def place_voice(folder: Path, code: str) -> str:
    voice = folder / f"piper-{code}-any-low"
    voice.mkdir()
    (voice / f"{code}-any-low.onnx").touch()
    (voice / f"{code}-any-low.onnx.json").write_text(f'{{"language": {{"code": "{code}"}}}}')
    return voice.name


def test_a_voice_of_the_users(folder: Path) -> None:
    german = place_voice(folder, "de_DE")
    assert [find_model("tts", language) for language in ("", "de-AT", "fr")] == ["hibari", german, ""]


def test_a_voice_of_the_users_can_be_chosen_beside_the_sites(folder: Path) -> None:
    place_voice(folder, "en_GB")
    assert [find_model("tts", language) for language in ("", "en-US", "de")] == ["auto", "auto", ""]


def test_none(folder: Path, settings: Settings) -> None:
    place_empty_model(folder, TINY)
    settings.LOCAL_MODELS = []
    assert (find_model("stt", "en"), find_model("tts", "en")) == ("", "")
    settings.LOCAL_STT_MODEL = TINY
    assert find_model("stt", "en") == TINY


def test_without_the_packages(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place_empty_model(folder, TINY)
    monkeypatch.setattr(local_choice, "PACKAGES", {"stt": "not_installed_here", "tts": "not_installed_here"})
    assert (find_model("stt", "en"), find_model("tts", "en")) == ("", "")
    assert list_missing_models("stt") == []


def test_what_is_missing(folder: Path, settings: Settings) -> None:
    settings.LOCAL_MODELS = [TINY, KOKORO]
    assert [model.name for model in list_missing_models("stt")] == [TINY]
    assert [model.name for model in list_missing_models("tts")] == [KOKORO]
    place_empty_model(folder, TINY)  # in its size, but not with its hash
    assert [model.name for model in list_missing_models("stt")] == [TINY]
