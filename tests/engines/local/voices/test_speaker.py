"""What the process of text to speech does, in this process."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from conversations.engines.errors import EngineUnavailable
from conversations.engines.local.voices.catalogue import Asked, LocalVoice, choose_voices, list_local_voices
from conversations.engines.local.voices.onnx_runs import Array
from conversations.engines.local.voices.speaker import Encoder, Speaker, is_fast, write_out
from conversations.engines.local.workers.worker_process import Cancelled, Check
from conversations.local_models.manifest import load_manifest
from conversations.pcm import SAMPLE_RATE, measure_seconds

HEART = LocalVoice("heart", "Heart", "hibari", "en-US")


def do_not_cancel() -> None: ...


class Talker:
    """A voice that says nothing, for so many seconds."""

    sample_rate = 1_000

    def __init__(self, seconds: float) -> None:
        self._samples = round(seconds * self.sample_rate)

    def synthesise(self, sentence: str, speed: float, check: Check) -> Iterator[Array]:
        yield np.zeros(self._samples, np.float32)


def test_it_works(tmp_path: Path) -> None:
    asked = Asked("It is 5 km.", (HEART,), "", 1.0)
    pieces = [piece for piece in Speaker(tmp_path).speak(asked, do_not_cancel) if isinstance(piece, bytes)]
    assert 0.5 < measure_seconds(b"".join(pieces)) < 3.0
    assert max(map(measure_seconds, pieces)) == 0.2


def test_a_cancelled_text_ends_before_its_next_sentence(tmp_path: Path) -> None:
    speaker, is_wanted = Speaker(tmp_path), True

    def check() -> None:
        if not is_wanted:
            raise Cancelled

    pieces = speaker.speak(Asked("One. " * 1_000, (HEART,), "", 1.0), check)
    assert next(pieces)
    is_wanted = False
    with pytest.raises(Cancelled):
        list(pieces)


def test_how_fast_a_voice_is() -> None:
    assert is_fast(Talker(seconds=3_600))
    assert not is_fast(Talker(seconds=0))


def test_a_damaged_kokoro_gives_way_to_another_voice(tmp_path: Path) -> None:
    for file in load_manifest()["kokoro"].files:
        path = tmp_path / "kokoro" / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as sparse:
            sparse.truncate(file.size_bytes)
    voices = choose_voices(list_local_voices(tmp_path), "auto", "", "en")
    assert [voice.model for voice in voices] == ["kokoro", "hibari"]
    told, *pieces = Speaker(tmp_path).speak(Asked("Hello.", tuple(voices), "", 1.0), do_not_cancel)
    assert told == "hibari"
    assert pieces


@pytest.mark.parametrize("description", ["", "[]", '{"audio": {}}'])
def test_a_folder_that_holds_no_voice_is_told(tmp_path: Path, description: str) -> None:
    folder = tmp_path / "piper-own"
    folder.mkdir()
    (folder / "own.onnx").touch()
    (folder / "own.onnx.json").write_text(description)
    asked = Asked("Hello.", (LocalVoice("piper-own", "Own", "piper-own", "en-US"),), "", 1.0)
    with pytest.raises(EngineUnavailable, match=r"cannot use its model.*piper-own holds no voice that can be used"):
        list(Speaker(tmp_path).speak(asked, do_not_cancel))


@pytest.mark.parametrize("rate", [16_000, 22_050, SAMPLE_RATE])
def test_all_samples_come_out_at_our_rate_and_within_bounds(rate: int) -> None:
    encoder = Encoder(rate)
    loud = np.full(rate, 3.0)
    pcm = b"".join([*encoder.encode(loud), *encoder.encode(loud), *encoder.finish()])
    assert measure_seconds(pcm) == pytest.approx(2.0, abs=0.001)
    assert np.frombuffer(pcm, "<i2")[SAMPLE_RATE] == 32_767


@pytest.mark.parametrize(
    ("language", "written", "spoken"),
    [
        ("", "2/3/2025", "February third, twenty twenty-five"),
        ("en-US", "2/3/2025", "February third, twenty twenty-five"),
        ("en-GB", "2/3/2025", "March second, twenty twenty-five"),
        ("de_DE", "2.3.2025", "2.3.2025"),
    ],
)
def test_english_is_written_out(language: str, written: str, spoken: str) -> None:
    assert write_out(written, language) == spoken
