"""What runs in a worker process: it loads a model once, and then works on one request after the other.

The work is a generator. What it yields is sent to the site at once. It calls the function that it is given between its
steps, which raises Cancelled when nobody waits for the result any more.
"""

import ctypes
import os
import select
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
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


def build_program(requests: int, cancellations: int) -> str:
    """Return what Python runs in a worker process, given its ends of two pipes. It finds what the site finds."""
    first = "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN)"  # Ctrl-C reaches it; the site ends it
    return f"{first}; sys.path[:] = {sys.path!r}; from {__name__} import run; run({requests}, {cancellations})"


def run(requests_end: int, cancellations_end: int) -> None:
    """Load the model and work until `requests` is closed.

    `requests` brings the dotted path of a function, and arguments for it, with which it returns the work; then pairs of
    a number and what is asked. It takes answers. `cancellations` brings the numbers of requests to stop.
    """
    requests, cancellations = Connection(requests_end), Connection(cancellations_end, writable=False)
    Thread(target=_end_with_site, args=(cancellations_end,), daemon=True).start()
    loaded: list[Work] = []
    with suppress(EOFError, BrokenPipeError):  # the site has closed the pipe
        load, arguments = requests.recv()
        module, _, name = load.rpartition(".")
        requests.send(_answer(lambda: loaded.append(getattr(import_module(module), name)(*arguments))))
        _give_memory_back()
        os.nice(NICENESS)  # not before: loading is short, and the first who speaks waits for it
        if loaded:
            _serve(loaded[0], requests, cancellations)


def _serve(work: Work, requests: Connection, cancellations: Connection) -> None:
    while True:
        if not requests.poll(PAUSE_SEC):
            _give_memory_back()
        number, asked = requests.recv()
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


def _end_with_site(pipe: int) -> None:
    """End this process when the site closes the pipe or is killed, whatever it works on then."""
    hangup = select.poll()
    hangup.register(pipe, 0)
    hangup.poll()
    os._exit(0)
