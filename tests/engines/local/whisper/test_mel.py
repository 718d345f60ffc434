import numpy as np
import pytest

from conversations.engines.local.whisper.mel import RATE, compute_features, cut_at_quiet, find_quiet, read_pcm


def make_tone(hz: float, seconds: float) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


@pytest.mark.parametrize(("seconds", "frames"), [(0.0, 1200), (1.0, 1200), (11.0, 1300), (28.0, 3000), (40.0, 3000)])
def test_the_window_holds_the_speech_and_a_margin(seconds: float, frames: int) -> None:
    assert compute_features(make_tone(440, seconds), 80).shape == (1, 80, frames)


def test_a_tone_is_in_its_band() -> None:
    bands = [int(compute_features(make_tone(hz, 1.0), 80)[0, :, 50].argmax()) for hz in (200, 440, 1000, 4000)]
    assert bands == sorted(bands)
    assert bands[2] == pytest.approx(15 / (15 + np.log(8) * 27 / np.log(6.4)) * 81, abs=1.5)  # Slaney's scale


def test_silence_and_speech_are_scaled_alike() -> None:
    silence, tone = compute_features(np.zeros(RATE, np.float32), 80), compute_features(make_tone(440, 1.0), 80)
    assert silence.min() == silence.max() == pytest.approx(-1.5)
    assert tone.max() - tone.min() == pytest.approx(2.0)
    assert tone.dtype == np.float32


def test_large_models_have_more_bands() -> None:
    assert compute_features(make_tone(440, 1.0), 128).shape == (1, 128, 1200)


def test_pcm_becomes_samples_at_16_khz() -> None:
    pcm = np.full(24_000, 16_384, "<i2").tobytes()
    samples = read_pcm(pcm + b"\0")
    assert len(samples) == RATE
    assert samples[RATE // 2] == pytest.approx(0.5, abs=0.01)
    assert read_pcm(b"").size == 0


def test_long_speech_is_cut_where_it_is_quiet() -> None:
    speech = make_tone(300, 70.0)
    speech[25 * RATE : 25 * RATE + RATE // 2] = 0
    pieces = cut_at_quiet(speech)
    assert 25.0 <= len(pieces[0]) / RATE <= 25.5
    assert all(len(piece) <= 28 * RATE for piece in pieces)
    assert sum(map(len, pieces)) == len(speech)
    assert find_quiet(speech) == len(pieces[0])
