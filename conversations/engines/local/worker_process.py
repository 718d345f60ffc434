"""What runs in a worker process: it loads a model once, and then works on one request after the other.

The work is a generator. What it yields is sent to the site at once. It calls the function that it is given between its
steps, which raises Cancelled when nobody waits for the result any more.
"""

import ctypes
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any

from conversations.engines.errors import EngineError

Check = Callable[[], None]
Work = Callable[[Any, Check], Iterable[Any]]
NICENESS = 10  # frames and pages of the site go first
PAUSE_SEC = 1.0  # without a request, after which memory is given back
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # read by numpy and others as they are imported


class Cancelled(Exception):
    """Nobody waits for the result any more."""


class OutOfMemory(Exception):
    """A library has said in its own way that there is not enough memory."""


@dataclass(frozen=True, slots=True)
class Output:
    """Something that the work has yielded."""

    value: Any


@dataclass(frozen=True, slots=True)
class Finished:
    """The model is loaded, or the work is done or was cancelled: the worker is free."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The model cannot be loaded, or the work cannot be done. The worker is free, if its model was loaded."""

    error_class: type[Exception]
    message: str


Answer = Output | Finished | Failed


def run(load: str, arguments: tuple[Any, ...], requests: Connection, cancellations: Connection) -> None:
    """Load the model and work until `requests` is closed. It is what a worker process runs.

    `load` is the dotted path of a function that takes `arguments` and returns the work. `requests` brings pairs of a
    number and what is asked, and takes answers. `cancellations` brings the numbers of requests to stop.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the site ends this process
    os.nice(NICENESS)
    os.environ.update(ONE_THREAD)
    Thread(target=_end_with_parent, daemon=True).start()
    loaded: list[Work] = []
    module, _, name = load.rpartition(".")
    requests.send(_answer(lambda: loaded.append(getattr(import_module(module), name)(*arguments))))
    _give_memory_back()
    if loaded:
        _serve(loaded[0], requests, cancellations)


def _serve(work: Work, requests: Connection, cancellations: Connection) -> None:
    while True:
        try:
            if not requests.poll(PAUSE_SEC):
                _give_memory_back()
            number, asked = requests.recv()
        except EOFError:
            return
        requests.send(_answer(partial(_do, work, asked, requests, partial(_check, cancellations, number))))


def _do(work: Work, asked: Any, requests: Connection, check: Check) -> None:
    check()
    for value in work(asked, check):
        check()
        requests.send(Output(value))


def _check(cancellations: Connection, number: int) -> None:
    while cancellations.poll():
        if cancellations.recv() == number:
            raise Cancelled


def _answer(task: Callable[[], None]) -> Answer:
    """Return how the task ended. What nobody foresaw ends the process, with its traceback in the log."""
    try:
        task()
    except Cancelled:
        return Finished()
    except EngineError as error:
        return Failed(type(error), error.message)
    except (MemoryError, OutOfMemory):
        return Failed(MemoryError, "")
    return Finished()


def _give_memory_back() -> None:
    """Return to the system what was freed: a third of what loading takes. Only GNU's C library needs to be told."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _end_with_parent() -> None:
    """End this process with the site: it would work on, or wait on its pipe, if the site is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
