"""Something with the shape of speech: a voice of harmonics that opens and closes four times a second."""

from functools import lru_cache

import numpy as np

SAMPLE_RATE = 24_000
SEC_PER_CHARACTER = 0.065
PITCH_HZ = 120.0
SYLLABLES_PER_SEC = 4.0


@lru_cache(maxsize=256)
def make_speech(text: str) -> bytes:
    """Return 65 ms of sound for each character: PCM, signed 16 bit, mono, 24 kHz."""
    time_sec = np.arange(round(max(len(text), 1) * SEC_PER_CHARACTER * SAMPLE_RATE)) / SAMPLE_RATE
    voice = sum(np.sin(2 * np.pi * PITCH_HZ * n * time_sec) / n for n in range(1, 12))
    mouth = np.sin(np.pi * SYLLABLES_PER_SEC * time_sec) ** 2
    return np.asarray(voice * mouth * 6_000).astype(np.int16).tobytes()
