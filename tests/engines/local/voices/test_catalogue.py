"""Which voices are here, and which of them speak."""

import json
from pathlib import Path

import pytest

from conversations.engines.errors import EngineRejected
from conversations.engines.local.voices.catalogue import LocalVoice, choose_voices, list_local_voices
from conversations.local_models.manifest import load_manifest

HEART = LocalVoice("heart", "Heart", "hibari", "en-US")
KOKORO = LocalVoice("af_heart", "Heart (Kokoro)", "kokoro", "en-US")
EMMA = LocalVoice("bf_emma", "Emma (Kokoro)", "kokoro", "en-GB")
DORA = LocalVoice("ef_dora", "Dora (Kokoro)", "kokoro", "es-ES")
JOE = LocalVoice("piper-en_US-joe-medium", "Joe (Piper)", "piper-en_US-joe-medium", "en-US")
ALL = [HEART, KOKORO, EMMA, DORA, JOE]


def write_piper_voice(folder: Path, name: str, description: object) -> None:
    (folder / f"piper-{name}").mkdir(parents=True)
    (folder / f"piper-{name}" / f"{name}.onnx").touch()
    (folder / f"piper-{name}" / f"{name}.onnx.json").write_text(json.dumps(description))


def write_kokoro(folder: Path) -> None:
    """Write files of the right size. Their hashes are compared before they are used."""
    for file in load_manifest()["kokoro"].files:
        path = folder / "kokoro" / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as sparse:
            sparse.truncate(file.size_bytes)


def test_hibari_is_always_here(tmp_path: Path) -> None:
    assert [(voice.id, voice.model) for voice in list_local_voices(tmp_path)] == [("heart", "hibari")]
    assert list_local_voices(tmp_path / "missing")


def test_what_is_in_the_folder(tmp_path: Path) -> None:
    write_kokoro(tmp_path)
    write_piper_voice(tmp_path, "de_DE-thorsten-low", {"language": {"code": "de_DE"}})
    write_piper_voice(tmp_path, "broken", [])
    (tmp_path / "piper-empty").mkdir()
    voices = {voice.id: voice for voice in list_local_voices(tmp_path)}
    assert list(voices)[:4] == ["heart", "af_heart", "bf_emma", "ef_dora"]
    assert voices["bm_george"].label == "George (Kokoro), English (UK), male"
    assert voices["piper-de_DE-thorsten-low"].label == "Thorsten (Piper), German"
    assert voices["piper-de_DE-thorsten-low"].language == "de-DE"
    assert "piper-empty" not in voices


@pytest.mark.parametrize(
    ("model", "voice", "language", "chosen"),
    [
        ("", "", "", [KOKORO, HEART, JOE]),
        ("auto", "", "en-US", [KOKORO, HEART, JOE]),
        ("auto", "", "en-GB", [EMMA, HEART, JOE]),
        ("auto", "", "es", [DORA]),
        ("hibari", "", "en-GB", [HEART]),
        ("kokoro", "", "", [KOKORO]),
        ("kokoro", "bf_emma", "en-US", [EMMA]),
        ("piper-en_US-joe-medium", "", "en", [JOE]),
        ("auto", "heart", "en", [HEART]),
        ("auto", "heart", "es-MX", [DORA]),
    ],
)
def test_which_one_speaks(model: str, voice: str, language: str, chosen: list[LocalVoice]) -> None:
    assert choose_voices(ALL, model, voice, language) == chosen


@pytest.mark.parametrize(
    ("model", "voice", "language", "message"),
    [
        ("auto", "", "de-DE", "no voice for the language “de-DE”.*add a voice of Piper"),
        ("hibari", "", "es", "no voice of hibari for the language “es”"),
        ("auto", "nobody", "", "no voice “nobody”"),
        ("kokoro", "heart", "", "no voice “heart”"),
        ("piper-x", "", "", "no model “piper-x”"),
    ],
)
def test_what_cannot_be_had_is_told(model: str, voice: str, language: str, message: str) -> None:
    with pytest.raises(EngineRejected, match=message):
        choose_voices(ALL, model, voice, language)


def test_a_model_that_was_not_fetched() -> None:
    with pytest.raises(EngineRejected, match=r"manage\.py models fetch kokoro"):
        choose_voices([HEART], "kokoro", "", "")
