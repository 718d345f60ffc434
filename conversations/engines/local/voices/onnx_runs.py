"""Run models with ONNX Runtime on one thread, so that a run under way ends when nobody waits for it any more."""

from collections.abc import Mapping
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import onnxruntime

from conversations.engines.local.workers.worker_process import Check

LOOK_SEC = 0.005  # between two looks whether the run is still wanted
Array = np.ndarray[Any, np.dtype[Any]]


def load_model(path: Path) -> onnxruntime.InferenceSession:
    """Return the model of a file, or raise an exception of ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run_model(session: onnxruntime.InferenceSession, inputs: Mapping[str, Array], check: Check) -> list[Array]:
    """Return the outputs, or what `check` raises: it is called all along, and the run ends a few ms after it raises."""
    options, done = onnxruntime.RunOptions(), Event()
    options.log_severity_level = 4  # a run that is ended is no error
    raised: list[BaseException] = []

    def watch() -> None:
        while not done.wait(LOOK_SEC):
            try:
                check()
            except BaseException as error:  # it is raised in the thread that runs the model
                raised.append(error)
                options.terminate = True
                return

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    outputs: list[Array] = []
    try:
        outputs = session.run(None, dict(inputs), options)
    except Exception:  # ONNX Runtime has no exception of its own for a run that was ended
        if not raised:
            raise
    finally:
        done.set()
        watcher.join()
    if raised:
        raise raised[0]
    return outputs
