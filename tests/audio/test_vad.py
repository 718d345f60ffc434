"""Speech detection: the model is asked only where there may be speech, and finds it as if it had heard everything."""

from functools import cache

import numpy as np
import pytest

from conversations.audio import vad
from conversations.audio.speech_model import STEP
from conversations.audio.vad import SpeechDetector
from conversations.engines.base import EngineSpec
from conversations.engines.demo.tts import EspeakNG
from conversations.pcm import BYTES_PER_MS, SAMPLE_RATE

FRAME = 40 * BYTES_PER_MS
SECOND = SAMPLE_RATE
FULL_SCALE = 32768.0


async def make_speech(words: str) -> np.ndarray:
    pcm = b"".join([pcm async for pcm in EspeakNG(EngineSpec("demo")).speak(words)])
    return np.frombuffer(pcm, dtype=np.int16) / FULL_SCALE


@cache
def make_room_noise(seconds: float, db: float) -> np.ndarray:
    """Return steady hiss, as a fan makes it, `db` below full scale."""
    return np.random.default_rng(0).normal(0, 10 ** (db / 20), round(seconds * SECOND))


def scale_to_level(speech: np.ndarray, db: float) -> np.ndarray:
    return np.asarray(speech * (10 ** (db / 20) / speech.std()))


def detect(detector: SpeechDetector, sound: np.ndarray) -> list[float]:
    pcm = np.clip(sound * FULL_SCALE, -FULL_SCALE, FULL_SCALE - 1).round().astype(np.int16).tobytes()
    return [one for start in range(0, len(pcm), FRAME) for one in detector.feed(pcm[start : start + FRAME])]


def detect_ungated(monkeypatch: pytest.MonkeyPatch, sound: np.ndarray) -> list[float]:
    with monkeypatch.context() as patch:
        patch.setattr(vad.Gate, "may_be_speech", lambda gate, window: True)
        return detect(SpeechDetector(), sound)


def find_first(probabilities: list[float]) -> int:
    return next(place for place, one in enumerate(probabilities) if one >= 0.5)


async def test_it_works() -> None:
    words = await make_speech("Hello, can you hear me?")
    found = detect(SpeechDetector(), np.concatenate((np.zeros(SECOND), scale_to_level(words, -25), np.zeros(SECOND))))
    assert len(found) == (2 * SECOND + len(words)) // STEP
    assert not any(found[:30])  # silence does not reach the model
    assert max(found) > 0.9
    assert not any(found[-10:])


@pytest.mark.parametrize("speech_db", [-20, -45])
@pytest.mark.parametrize("room_db", [-100, -60, -50])
async def test_an_onset_is_found_as_if_the_model_heard_everything(
    monkeypatch: pytest.MonkeyPatch, speech_db: float, room_db: float
) -> None:
    words = scale_to_level(await make_speech("Seven and twenty people came to see it."), speech_db)
    sound = make_room_noise(3 + len(words) / SECOND, room_db).copy()
    sound[2 * SECOND : 2 * SECOND + len(words)] += words
    assert find_first(detect(SpeechDetector(), sound)) <= find_first(detect_ungated(monkeypatch, sound)) + 1


@pytest.mark.parametrize("db", [-60, -50, -40])
def test_a_fan_is_learned_and_let_through_no_more(db: float) -> None:
    detector = SpeechDetector()
    detect(detector, np.zeros(SECOND))
    detect(detector, make_room_noise(2, db))
    found = detect(detector, make_room_noise(4, db))
    assert sum(one > 0 for one in found) <= len(found) * 0.1


def test_how_audio_is_cut_into_appends_does_not_matter() -> None:
    pcm = (scale_to_level(make_room_noise(2, -30), -30) * FULL_SCALE).astype(np.int16).tobytes()
    pieces = SpeechDetector()
    in_pieces = [one for start in range(0, len(pcm), 502) for one in pieces.feed(pcm[start : start + 502])]
    assert in_pieces == SpeechDetector().feed(pcm)


def test_reset_forgets_the_room() -> None:
    detector = SpeechDetector()
    detect(detector, make_room_noise(2, -40))
    detector.reset()
    assert any(detect(detector, make_room_noise(1, -40)))
