"""One worker process of a pool, and the thread that talks with it."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Any, Protocol

from conversations.engines.engine_kinds import EngineKind
from conversations.engines.local.workers import worker_process
from conversations.engines.local.workers.worker_process import Failed, Finished, Output

END_SEC = 2.0  # for a process whose pipe was closed
STARTED = object()  # a worker has taken the request
DIED = Failed(EOFError, "")


@dataclass(eq=False, slots=True)
class Request:
    """What is asked, and the answers so far: STARTED, then what the worker process sends."""

    asked: object
    number: int
    is_background: bool
    loop: asyncio.AbstractEventLoop
    answers: "asyncio.Queue[Any]" = field(default_factory=asyncio.Queue)
    worker: "Worker | None" = None  # the one that works on it now

    def post(self, answer: object) -> None:
        """Hand on an answer, from any thread."""
        with suppress(RuntimeError):  # the loop is closed, so nobody waits
            self.loop.call_soon_threadsafe(self.answers.put_nowait, answer)


class Pool(Protocol):
    """What a worker asks of its pool, and tells it."""

    kind: EngineKind
    load: str
    arguments: tuple[Any, ...]
    load_lock: Lock  # one process loads at a time, since it takes twice the memory that a loaded one has
    take_place: Callable[[], int | None] | None  # where all processes of the site together may have so many only

    @property
    def is_closed(self) -> bool:
        """Whether all workers are to end."""
        ...

    def note_loaded(self, worker: "Worker") -> None:
        """Note that a worker can take requests."""
        ...

    def take_request(self, worker: "Worker") -> Request | None:
        """Wait for the next request and return it, or None when the worker is to end."""
        ...

    def release(self, worker: "Worker") -> None:
        """Note that a worker no longer works on its request."""
        ...

    def note_end(self, worker: "Worker", failure: Failed | None) -> None:
        """Note that a worker has ended, and why its model could not be loaded, if it was not."""
        ...


class Worker:
    """A process of its own program: a fork would copy the threads of gRPC, and multiprocessing's spawn runs the main
    module of the site again, for nothing. It ends with the site.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.is_loaded = False  # its process has the model, and has not ended
        self.request: Request | None = None  # what it works on
        self._process: subprocess.Popen[bytes] | None = None
        self._place: int | None = None  # the descriptor that holds it
        self._requests, self._requests_end = multiprocessing.Pipe()
        self._cancellations_end, self._cancellations = multiprocessing.Pipe(duplex=False)
        self._thread = Thread(target=self._run, daemon=True, name=f"{pool.kind} worker")

    @property
    def process_id(self) -> int:
        """The id of the process, 0 before it has started."""
        return self._process.pid if self._process else 0

    @property
    def is_alive(self) -> bool:
        """Whether the process can take requests. For the worker's own thread."""
        return self.is_loaded and self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process in the background."""
        self._thread.start()

    def cancel(self, request: Request) -> None:
        """Tell the process to stop working on the request."""
        with suppress(OSError):  # it has ended
            self._cancellations.send(request.number)

    def kill(self) -> None:
        """End the process in the middle of its work."""
        if self._process is not None:
            self._process.kill()

    def end(self) -> None:
        """End the process, and wait for the thread."""
        self.kill()
        self._thread.join(END_SEC)

    def _run(self) -> None:
        with self._pool.load_lock:
            failure = DIED if self._pool.is_closed else self._take_place() or self._load()
        if failure is None:
            self._pool.note_loaded(self)
            while request := self._pool.take_request(self):
                self._serve(request)
        self._close()
        self._pool.note_end(self, failure)

    def _take_place(self) -> Failed | None:
        """Take a place if these are bounded. Return why there is none."""
        if self._pool.take_place is None:
            return None
        try:
            self._place = self._pool.take_place()
        except OSError:  # no room for one more file
            return Failed(MemoryError, "")
        return Failed(MemoryError, "") if self._place is None else None

    def _load(self) -> Failed | None:
        """Start the process and wait for its model. Return why it has none."""
        with self._requests_end, self._cancellations_end:
            ends = (self._requests_end.fileno(), self._cancellations_end.fileno())
            command = [sys.executable, "-c", worker_process.build_program(*ends)]
            environment = {**os.environ, **worker_process.ONE_THREAD}
            try:
                self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment, pass_fds=ends)  # noqa: S603
            except OSError:  # no room for one more process
                return Failed(MemoryError, "")
        try:
            self._requests.send((self._pool.load, self._pool.arguments))
            answer = self._requests.recv()
        except (EOFError, OSError):
            return DIED
        return answer if isinstance(answer, Failed) else None

    def _serve(self, request: Request) -> None:
        """Pass on what the process answers to a request."""
        request.post(STARTED)
        answer: object = None
        try:
            self._requests.send((request.number, request.asked))
            while not isinstance(answer, Finished | Failed):
                answer = self._requests.recv()
                if isinstance(answer, Output):
                    request.post(answer)
        except (EOFError, OSError):
            self.is_loaded, answer = False, DIED
        self._pool.release(self)
        request.post(answer)

    def _close(self) -> None:
        for pipe in (self._requests, self._requests_end, self._cancellations, self._cancellations_end):
            pipe.close()
        if self._process is not None:
            try:
                self._process.wait(END_SEC)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._place is not None:
            os.close(self._place)
