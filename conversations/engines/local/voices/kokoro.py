"""Kokoro: voices in English and Spanish that share one model, which asks much of a processor."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from conversations.engines.local.voices.espeak_phonemes import read_ipa
from conversations.engines.local.voices.hibari import PAD, list_ids, read_english
from conversations.engines.local.voices.onnx_runs import Array, load_model, run_model
from conversations.engines.local.workers.worker_process import Check

SAMPLE_RATE = 24_000  # Hz
STYLE_SIZE = 256
MAX_TOKENS = 510  # of a sentence; a style has a row for each number of them
# The model was trained with one sign for each of these. espeak joins them with a tie.
JOINED = {"a^ɪ": "I", "a^ʊ": "W", "d^z": "ʣ", "d^ʒ": "ʤ", "e^ɪ": "A", "o^ʊ": "O", "s^s": "S", "t^s": "ʦ", "t^ʃ": "ʧ",
          "ɔ^ɪ": "Y", "^": ""}  # fmt: skip


class KokoroModel:
    """The model of a folder, and the styles of its voices."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._styles: dict[str, Array] = {}
        self.session = load_model(folder / "kokoro-v1.0.int8.onnx")

    def get_style(self, voice: str, tokens: int) -> Array:
        """Return the style of a voice for a sentence of so many tokens."""
        if voice not in self._styles:
            path = self._folder / "voices" / f"{voice}.bin"
            self._styles[voice] = np.fromfile(path, "<f4").reshape(-1, STYLE_SIZE)
        return self._styles[voice][tokens - 1 : tokens]


class KokoroVoice:
    """A voice, by its name: the first letter is the language, the second female or male."""

    sample_rate = SAMPLE_RATE

    def __init__(self, model: KokoroModel, name: str) -> None:
        self._model, self._name = model, name

    def synthesise(self, sentence: str, speed: float, check: Check) -> Iterator[Array]:
        """Yield the sound of a sentence, as floats between -1 and 1."""
        tokens = list_ids(read_phonemes(sentence, self._name))
        for start in range(0, len(tokens), MAX_TOKENS):
            part = tokens[start : start + MAX_TOKENS]
            inputs = {
                "tokens": np.array([[PAD, *part, PAD]], np.int64),
                "style": self._model.get_style(self._name, len(part)),
                "speed": np.array([speed], np.float32),
            }
            yield run_model(self._model.session, inputs, check)[0]


def read_phonemes(sentence: str, voice: str) -> str:
    """Return the phonemes of a sentence in the language of the voice."""
    if voice[0] in "ab":
        return read_english(sentence, is_british=voice[0] == "b")
    phonemes = read_ipa(sentence, "es", tie="^")
    for joined, sign in JOINED.items():
        phonemes = phonemes.replace(joined, sign)
    return phonemes
