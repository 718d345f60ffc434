"""hibari: an English voice that is a Python package, and the phonemes that it and Kokoro read.

The package fetches other voices from the network when it is asked for one that it does not contain. Here it is only
ever given the path of a file that is there.
"""

import json
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import hibari
import numpy as np
from hibari import dsp
from hibari.g2p import G2P

from conversations.engines.local.english.numbers import ONES
from conversations.engines.local.voices.onnx_runs import Array, load_model, run_model
from conversations.engines.local.workers.worker_process import Check

ASSETS = Path(hibari.__file__).parent / "assets"
PAD = 0  # at both ends
# “[word](/phonemes/)” would put phonemes of the text's own into the speech.
NO_LINKS = str.maketrans({"[": "(", "]": ")"})


@cache
def load_phonemiser(is_british: bool) -> Any:
    """Return what turns English text into phonemes; it takes 0.3 s to load. It is called with a text."""
    return G2P(british=is_british)


@cache
def load_vocabulary() -> dict[str, int]:
    """Return the number of each phoneme, which is the same for hibari and Kokoro."""
    ids: dict[str, int] = json.loads((ASSETS / "vocab.json").read_text())
    return ids


def list_ids(phonemes: str) -> list[int]:
    """Return the numbers of the phonemes that the models know."""
    vocabulary = load_vocabulary()
    return [vocabulary[phoneme] for phoneme in phonemes if phoneme in vocabulary]


def read_english(text: str, *, is_british: bool = False) -> str:
    """Return the phonemes of a sentence that `normalise` has written in words."""
    # The package fails at a long number, and takes figures of every script for one: they are read one by one.
    signs = unicodedata.normalize("NFKC", text).translate(NO_LINKS)
    plain = "".join(f" {ONES[unicodedata.digit(sign)]} " if sign.isdigit() else sign for sign in signs)
    phonemes: str = load_phonemiser(is_british)(plain, normalize_text=False)
    return phonemes


class HibariVoice:
    """The voice heart, American English. A second of speech takes about 0.01 s of CPU."""

    sample_rate = hibari.SAMPLE_RATE

    def __init__(self) -> None:
        self._session = load_model(ASSETS / "hibari.onnx")
        load_phonemiser(is_british=False)

    def synthesise(self, sentence: str, speed: float, check: Check) -> Iterator[Array]:
        """Yield the sound of a sentence, as floats between -1 and 1."""
        ids = [PAD, *list_ids(read_english(sentence)), PAD]
        if len(ids) < 3:
            return
        inputs: dict[str, Array] = {"ids": np.array([ids], np.int64), "speed": np.array([speed], np.float32)}
        spectrum = (output[0] for output in run_model(self._session, inputs, check))
        check()
        yield dsp.synth(*spectrum, np.random.default_rng(0))
