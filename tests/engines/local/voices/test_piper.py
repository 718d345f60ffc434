"""Real phonemes and a real run, of a model whose sound tells which numbers went in."""

import json
from pathlib import Path

import pytest

from conversations.engines.local.voices.piper import PiperVoice, find_description

MODEL = Path(__file__).parent / "models" / "piper.onnx"
IDS = {sign: [number] for number, sign in enumerate("_^$ ,.?!aəbdefhijklmnoprstuvwzæðŋɐɑɔɛɡɪɹʃʊʌʒˈˌːθɜɾ", 0)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "en_US-test-low.onnx").write_bytes(MODEL.read_bytes())
    description = {
        "audio": {"sample_rate": 22_050},
        "espeak": {"voice": "en-us"},
        "inference": {"noise_scale": 0.667, "length_scale": 1.0, "noise_w": 0.8},
        "phoneme_id_map": IDS,
        "num_speakers": 1,
    }
    (tmp_path / "en_US-test-low.onnx.json").write_text(json.dumps(description))
    return tmp_path


def read_numbers(voice: PiperVoice, sentence: str, speed: float = 1.0) -> list[float]:
    [samples] = voice.synthesise(sentence, speed, lambda: None)
    return [round(float(level) * 256, 3) for level in samples[::256]]


def test_it_works(folder: Path) -> None:
    voice = PiperVoice(folder)
    assert voice.sample_rate == 22_050
    signs = {number: sign for sign, [number] in IDS.items()}
    read = [signs[int(number)] for number in read_numbers(voice, "Hello, you?")]
    assert "".join(read) == "^_" + "".join(f"{sign}_" for sign in "həlˈoʊ, juː?") + "$"


def test_a_faster_voice_has_a_shorter_length_scale(folder: Path) -> None:
    voice = PiperVoice(folder)
    normal, fast = read_numbers(voice, "No."), read_numbers(voice, "No.", speed=2.0)
    assert fast == [number / 2 for number in normal]


def test_a_folder_without_a_voice(tmp_path: Path) -> None:
    (tmp_path / "alone.onnx.json").write_text("{}")
    with pytest.raises(FileNotFoundError):
        find_description(tmp_path)
