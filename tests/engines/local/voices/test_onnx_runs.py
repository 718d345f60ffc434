from pathlib import Path

import numpy as np
import pytest

from conversations.engines.local.voices.onnx_runs import load_model, run_model
from conversations.engines.local.workers.worker_process import Cancelled

MODELS = Path(__file__).parent / "models"


def do_not_cancel() -> None: ...


def test_a_run_ends_when_nobody_waits_for_it() -> None:
    """The model would run for ever."""
    looks = 0

    def check() -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            raise Cancelled

    endless = load_model(MODELS / "endless.onnx")
    with pytest.raises(Cancelled):
        run_model(endless, {"start": np.zeros(1, np.float32)}, check)


def test_what_the_model_refuses_is_raised() -> None:
    with pytest.raises(Exception, match="ids"):
        run_model(load_model(MODELS / "endless.onnx"), {"ids": np.zeros(1, np.float32)}, do_not_cancel)
