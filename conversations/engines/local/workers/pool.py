"""A bounded number of worker processes for a model, with a bounded queue.

Inference in a thread of the site would freeze every session: libraries hold Python's interpreter lock for long. So it
runs in processes, each with a thread here that starts it, hands it one request after the other, and passes on what it
answers. Requests belong to an event loop, which never waits for a process.

    async with aclosing(pool.stream(asked)) as answers:
        async for answer in answers: ...

Closing the generator cancels: the work sees it between two of its steps, and a process that has not stopped after
`cancel_sec` is killed and replaced. As others are kept loaded, the next request does not wait for that.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from threading import Condition, Lock
from time import monotonic
from typing import Any

from conversations.engines import incidents
from conversations.engines.deadline import get_remaining_sec
from conversations.engines.engine_kinds import EngineKind
from conversations.engines.errors import EngineError
from conversations.engines.local import errors
from conversations.engines.local.workers.worker import Request, Worker
from conversations.engines.local.workers.worker_process import Failed, Finished, Output

WAIT_SEC = 3.0  # in the queue; a person who talks has given up after that
LOAD_SEC = 60.0  # what a request waits at most for a model that is being loaded: on a busy machine it takes long
CANCEL_SEC = 0.05
IDLE_SEC = 600.0
TIMEOUT_SEC = 15.0


class WorkerPool:
    """Processes that all have the same model, started when the first request comes, or by `warm`.

    `load` and `arguments` are those of `worker_process.run`. Of `processes`, each with a place where these are bounded
    (`take_place`), `at_once` work at the same time. `queue` requests may wait. After `idle_sec` without any all end.
    """

    def __init__(
        self,
        kind: EngineKind,
        load: str,
        arguments: tuple[Any, ...] = (),
        *,
        processes: int = 2,
        at_once: int = 2,
        queue: int = 2,
        wait_sec: float = WAIT_SEC,
        cancel_sec: float = CANCEL_SEC,
        idle_sec: float = IDLE_SEC,
        clock: Callable[[], float] = monotonic,
        take_place: Callable[[], int | None] | None = None,
    ) -> None:
        self.kind, self.load, self.arguments, self.load_lock, self.is_closed = kind, load, arguments, Lock(), False
        self._processes, self._at_once, self._queue, self.take_place = processes, at_once, queue, take_place
        self._wait_sec, self._cancel_sec, self._idle_sec, self._clock = wait_sec, cancel_sec, idle_sec, clock
        self._changed = Condition()  # guards all below
        self._workers: list[Worker] = []
        self._waiting: deque[Request] = deque()
        self._numbers, self._used_at = itertools.count(), clock()

    def warm(self) -> None:
        """Start the processes that are missing, also in place of those that died standing by, and return at once."""
        with self._changed:
            self._used_at = self._clock()
            self._start_missing()
            self._changed.notify_all()

    def list_process_ids(self) -> list[int]:
        """Return the ids of the processes whose model is loaded, for measurements and tests."""
        with self._changed:
            return [worker.process_id for worker in self._workers if worker.is_loaded]

    @property
    def is_free(self) -> bool:
        """Whether nothing is asked for at the moment."""
        with self._changed:
            return not self._waiting and not any(worker.request for worker in self._workers)

    def list_busy_process_ids(self) -> list[int]:
        """Return the ids of the processes that work on a request."""
        with self._changed:
            return [worker.process_id for worker in self._workers if worker.request]

    async def stream(
        self, asked: object, *, timeout_sec: float = TIMEOUT_SEC, is_background: bool = False
    ) -> AsyncGenerator[Any]:
        """Yield what the work yields for `asked`, or raise EngineError.

        `timeout_sec` is the longest wait for the first value and between two. Background work never waits: it is
        refused unless a process is free, and leaves one to the others.
        """
        request = Request(asked, next(self._numbers), is_background, asyncio.get_running_loop())
        wait_sec = min(timeout_sec, get_remaining_sec())
        try:
            self._submit(request)
            await self._wait_for_start(request)
            while isinstance(answer := await self._receive(request, wait_sec), Output):
                yield answer.value
                wait_sec = timeout_sec
        except EngineError as error:
            if not is_background:
                incidents.report(error)
            raise
        finally:
            await self._stop(request)

    def end_idle(self) -> None:
        """End the processes if nothing was asked for `idle_sec`. They look themselves when that time has passed."""
        with self._changed:
            self._changed.notify_all()

    def retire(self) -> None:
        """End the processes as soon as nothing is left to do."""
        with self._changed:
            self._idle_sec = 0.0
            self._changed.notify_all()

    def close(self) -> None:
        """End all processes now."""
        with self._changed:
            self.is_closed = True
            workers = list(self._workers)
            self._changed.notify_all()
        for worker in workers:
            worker.end()

    # For requests.

    def _submit(self, request: Request) -> None:
        with self._changed:
            self._used_at = self._clock()
            if self.is_closed or not self._has_room(request):
                raise errors.build_busy_error(self.kind)
            self._start_missing()
            self._waiting.append(request)
            self._changed.notify_all()

    def _has_room(self, request: Request) -> bool:
        busy = [worker.request for worker in self._workers if worker.request]
        if not request.is_background:
            return len(busy) + len(self._waiting) < self._at_once + self._queue
        is_free = len(busy) < sum(worker.is_loaded for worker in self._workers)
        in_background = sum(one.is_background for one in busy)
        return is_free and not self._waiting and len(busy) < self._at_once and in_background < max(1, self._at_once - 1)

    async def _wait_for_start(self, request: Request) -> object:
        """Wait for a process, longer if one was being loaded. Raise EngineError."""
        wait_sec, was_loading = self._wait_sec, self._is_loading()
        while True:
            try:
                async with asyncio.timeout(wait_sec):
                    answer = await request.answers.get()
            except TimeoutError:
                if wait_sec != self._wait_sec or not (was_loading or self._is_loading()):
                    raise errors.build_busy_error(self.kind) from None
                wait_sec = min(LOAD_SEC, get_remaining_sec())
            else:
                return self._explain(answer)

    def _is_loading(self) -> bool:
        with self._changed:
            return not any(worker.is_loaded for worker in self._workers)

    async def _receive(self, request: Request, wait_sec: float) -> object:
        """Return the next output, or None at the end. Raise EngineError."""
        try:
            async with asyncio.timeout(wait_sec):
                answer = await request.answers.get()
        except TimeoutError:
            raise errors.build_timeout_error(self.kind, wait_sec) from None
        return self._explain(answer)

    def _explain(self, answer: object) -> object:
        if not isinstance(answer, Failed):
            return answer
        raise errors.build_failure_error(self.kind, answer.error_class, answer.message)

    async def _stop(self, request: Request) -> None:
        """See to it that no process works on the request any more."""
        with self._changed:
            if request in self._waiting:
                self._waiting.remove(request)
            worker = request.worker
        if worker is None:
            return
        worker.cancel(request)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._cancel_sec):
                    while not isinstance(await request.answers.get(), Finished | Failed):
                        pass
        finally:
            with self._changed:
                if request.worker is not None:
                    worker.kill()

    # For workers, in their threads.

    def note_loaded(self, worker: Worker) -> None:
        """Note that a worker can take requests."""
        with self._changed:
            worker.is_loaded = True

    def take_request(self, worker: Worker) -> Request | None:
        """Wait for the next request and return it, or None when the worker is to end."""
        with self._changed:
            while not self.is_closed and worker.is_alive:
                if self._waiting and sum(one.request is not None for one in self._workers) < self._at_once:
                    request = self._waiting.popleft()
                    worker.request, request.worker = request, worker
                    return request
                idle_sec = self._clock() - self._used_at
                if idle_sec >= self._idle_sec:
                    self._workers.remove(worker)
                    return None
                self._changed.wait(self._idle_sec - idle_sec)
            return None

    def release(self, worker: Worker) -> None:
        """Note that a worker no longer works on its request."""
        with self._changed:
            if worker.request is not None:
                worker.request.worker = None
            worker.request = None
            self._used_at = self._clock()
            self._changed.notify_all()

    def note_end(self, worker: Worker, failure: Failed | None) -> None:
        """Replace a worker that has died. Where none can be loaded, what waits fails with the reason."""
        with self._changed:
            if worker in self._workers:
                self._workers.remove(worker)
                if failure is None:
                    self._start_missing()
            if failure and not any(one.is_loaded for one in self._workers):
                while self._waiting:
                    self._waiting.popleft().post(failure)
            self._changed.notify_all()

    def _start_missing(self) -> None:
        while not self.is_closed and len(self._workers) < self._processes:
            self._workers.append(Worker(self))
            self._workers[-1].start()
