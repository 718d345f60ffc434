"""One worker process of a pool, and the thread that talks with it."""

import asyncio
import multiprocessing
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from threading import Lock, Thread
from typing import Any, Protocol

from conversations.engines.engine_kinds import EngineKind
from conversations.engines.local import worker_process
from conversations.engines.local.worker_process import Failed, Finished, Output

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
    """A process that is spawned, since a fork would copy the threads of gRPC. It ends with the site."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.is_loaded = False  # its process has the model, and has not ended
        self.request: Request | None = None  # what it works on
        self._process: BaseProcess | None = None
        context = multiprocessing.get_context("spawn")
        self._requests, self._requests_end = context.Pipe()
        self._cancellations_end, self._cancellations = context.Pipe(duplex=False)
        self._thread = Thread(target=self._run, daemon=True, name=f"{pool.kind} worker")

    @property
    def process_id(self) -> int:
        """The id of the process, 0 before it has started."""
        return (self._process and self._process.pid) or 0

    @property
    def is_alive(self) -> bool:
        """Whether the process can take requests. For the worker's own thread."""
        return self.is_loaded and self._process is not None and self._process.is_alive()

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
            failure = DIED if self._pool.is_closed else self._load()
        if failure is None:
            self._pool.note_loaded(self)
            while request := self._pool.take_request(self):
                self._serve(request)
        self._close()
        self._pool.note_end(self, failure)

    def _load(self) -> Failed | None:
        """Start the process and wait for its model. Return why it has none."""
        context = multiprocessing.get_context("spawn")
        arguments = (self._pool.load, self._pool.arguments, self._requests_end, self._cancellations_end)
        with self._requests_end, self._cancellations_end:
            self._process = context.Process(target=worker_process.run, args=arguments, daemon=True)
            try:
                self._process.start()
            except OSError:  # no room for one more process
                self._process = None
                return Failed(MemoryError, "")
        try:
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
            self._process.join(END_SEC)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
