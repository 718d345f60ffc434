"""Piper: a voice is a folder with a model and its description, `….onnx` and `….onnx.json`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from conversations.engines.local.voices.espeak_phonemes import read_ipa
from conversations.engines.local.voices.onnx_runs import Array, load_model, run_model
from conversations.engines.local.workers.worker_process import Check

BEGIN, END, PAD = "^", "$", "_"


class PiperVoice:
    """One voice, the first where the model has several speakers."""

    def __init__(self, folder: Path) -> None:
        description = find_description(folder)
        settings = json.loads(description.read_text())
        inference = settings["inference"]
        self.sample_rate: int = settings["audio"]["sample_rate"]
        self._espeak_voice: str = settings["espeak"]["voice"]
        self._ids: dict[str, list[int]] = settings["phoneme_id_map"]
        self._scales = inference["noise_scale"], inference["length_scale"], inference["noise_w"]
        self._has_speakers = settings.get("num_speakers", 1) > 1
        self._session = load_model(description.with_suffix(""))

    def synthesise(self, sentence: str, speed: float, check: Check) -> Iterator[Array]:
        """Yield the sound of a sentence, as floats between -1 and 1."""
        ids = self._list_ids(read_ipa(sentence, self._espeak_voice))
        noise, length, width = self._scales
        inputs: dict[str, Any] = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array([noise, length / speed, width], np.float32),
        }
        if self._has_speakers:
            inputs["sid"] = np.zeros(1, np.int64)
        yield run_model(self._session, inputs, check)[0].reshape(-1)

    def _list_ids(self, phonemes: str) -> list[int]:
        """Return the numbers of the phonemes that the model knows, with a pad behind each."""
        known = [self._ids[phoneme] for phoneme in phonemes if phoneme in self._ids]
        pad = self._ids[PAD]
        return [*self._ids[BEGIN], *pad, *(number for ids in known for number in (*ids, *pad)), *self._ids[END]]


def find_description(folder: Path) -> Path:
    """Return the path of a voice's description. Raise FileNotFoundError where the folder has none."""
    for path in sorted(folder.glob("*.onnx.json")):
        if path.with_suffix("").is_file():
            return path
    raise FileNotFoundError(folder)
