"""What worker processes do in tests, in place of a model."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conversations.engines.errors import EngineRejected
from conversations.engines.local.errors import build_model_error, build_rejected_error
from conversations.engines.local.workers.worker_process import Check, Work


def load_task() -> Work:
    """Return work that does what it is asked by name."""
    return do_task


def load_nothing() -> Work:
    """Raise the error of a model that is not there."""
    raise build_model_error("stt", "There is none.")


def load_death() -> Work:
    """End the process while it loads."""
    os._exit(1)


def do_task(asked: tuple[str, Any], check: Check) -> Iterator[Any]:
    """Do one task: each has a name and an argument."""
    name, argument = asked
    match name:
        case "count":
            yield from range(argument)
        case "describe":
            yield os.getpid(), os.nice(0), os.getppid()
        case "wait":  # until a file is there, looking for cancellation; it tells that it has begun
            yield "begun"
            while not Path(argument).exists():
                check()
                time.sleep(0.005)
            yield "waited"
        case "hang":  # without looking for cancellation
            yield "begun"
            while True:
                time.sleep(1)
        case "refuse":
            raise build_rejected_error("stt", argument)
        case "exhaust":
            raise MemoryError
        case _:
            raise EngineRejected("stt", "local", f"There is no task {name}.")
