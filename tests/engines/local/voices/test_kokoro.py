"""A real run of a model whose sound tells which numbers went in, and with which style."""

from pathlib import Path

import numpy as np
import pytest

from conversations.engines.local.voices.hibari import list_ids
from conversations.engines.local.voices.kokoro import MAX_TOKENS, STYLE_SIZE, KokoroModel, KokoroVoice, read_phonemes

MODEL = Path(__file__).parent / "models" / "kokoro.onnx"


@pytest.fixture
def model(tmp_path: Path) -> KokoroModel:
    """Each row of its one style holds the number of tokens that it is for."""
    (tmp_path / "kokoro-v1.0.int8.onnx").write_bytes(MODEL.read_bytes())
    (tmp_path / "voices").mkdir()
    rows = np.repeat(np.arange(1, MAX_TOKENS + 1, dtype="<f4"), STYLE_SIZE)
    for name in ("af_heart", "ef_dora"):
        (tmp_path / "voices" / f"{name}.bin").write_bytes(rows.tobytes())
    return KokoroModel(tmp_path)


def test_it_works(model: KokoroModel) -> None:
    [samples] = KokoroVoice(model, "af_heart").synthesise("Good morning.", 1.0, lambda: None)
    ids = list_ids(read_phonemes("Good morning.", "af_heart"))
    numbers = np.rint(samples[::256] * 256 / len(ids)).astype(int).tolist()
    assert numbers == [0, *ids, 0]


def test_more_than_a_style_has_rows_for_is_said_in_parts(model: KokoroModel) -> None:
    parts = list(KokoroVoice(model, "af_heart").synthesise("strength " * 120, 1.0, lambda: None))
    assert len(parts) > 1
    assert max(len(part) for part in parts) == (MAX_TOKENS + 2) * 256


def test_each_voice_reads_its_language() -> None:
    assert read_phonemes("The car.", "af_heart") == "ðə kˈɑɹ."
    assert read_phonemes("The car.", "bf_emma") == "ðə kˈɑː."
    assert read_phonemes("Muchos años, hay aire.", "ef_dora") == "mˈuʧos ˈaɲos, ˈI ˈIɾe."
