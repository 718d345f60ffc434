"""Recordings of people, from the Debian package pocketsphinx-testdata, at the rate of the site."""

import wave
from pathlib import Path

import numpy as np
import soxr

from conversations.pcm import SAMPLE_RATE

FOLDER = Path("/usr/share/pocketsphinx/test/data")
READER = FOLDER / "librivox"  # a woman who reads Sense and Sensibility
CONSIDER = READER / "sense_and_sensibility_01_austen_64kb-0870.wav"  # "And Mr. John Dashwood had then leisure to …"
YOUNG_MAN = READER / "sense_and_sensibility_01_austen_64kb-0880.wav"  # "He was not an ill-disposed young man"
RESPECTABLE = READER / "sense_and_sensibility_01_austen_64kb-0920.wav"  # "Had he married a more amiable woman, …"
AMIABLE = READER / "sense_and_sensibility_01_austen_64kb-0930.wav"  # "He might even have been made amiable himself"


def read_recording(path: Path) -> bytes:
    """Return a WAV file as PCM."""
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32)
        rate = file.getframerate()
    return bytes(np.clip(soxr.resample(samples, rate, SAMPLE_RATE), -32_768, 32_767).astype("<i2"))
