"""Decide who may hold one of the few connections to Postgres, and for how long.

Nobody holds one while waiting for a client or a provider. Requests together never hold all of them, so that live
conversations can always store what is said. `base` is the Django backend that enforces it.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connection

ANSWER_SEC = 10.0  # of a database that works, to one statement of a session or a request, however busy it is
STUCK_SEC = 30.0  # so long has no request given a connection back: these threads will not serve anybody any more
_serves_request: ContextVar[bool] = ContextVar("serves_request", default=False)
# Commands and what goes on in the background wait as long as it takes: a migration may.
_limit_sec: ContextVar[float | None] = ContextVar("limit_sec", default=None)


def give_back() -> None:
    """Return this thread's connection to the pool before waiting; the next query takes one again.

    Within a transaction it is kept, since what the transaction holds would be lost.
    """
    if not connection.in_atomic_block:
        connection.close()


def serve_request() -> None:
    """Count the queries of this task, and of what it calls, as a request's."""
    _serves_request.set(True)
    _limit_sec.set(ANSWER_SEC)


@contextmanager
def serve_session() -> Iterator[None]:
    """Count the queries within this context as a live session's, whoever began it."""
    token, limit_token = _serves_request.set(False), _limit_sec.set(ANSWER_SEC)
    try:
        yield
    finally:
        _serves_request.reset(token)
        _limit_sec.reset(limit_token)


def is_serving_request() -> bool:
    """Return whether the queries of this task count as a request's."""
    return _serves_request.get()


def get_limit_sec() -> float | None:
    """Return how long this task waits for an answer of the database, in seconds; None: for ever."""
    return _limit_sec.get()


class ConnectionShare:
    """The part of the connections that requests may hold. It is thread-safe."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._changed = threading.Condition()
        self._moved_at = time.monotonic()

    def take(self, timeout_sec: float) -> bool:
        """Take a connection, and return whether one became free within `timeout_sec`."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._free > 0, timeout_sec):
                return False
            self._move(-1)
            return True

    def give(self) -> None:
        """Give a connection back."""
        with self._changed:
            self._move(1)
            self._changed.notify()

    def is_stuck(self, now: float) -> bool:
        """Return whether all are taken and none was given back for STUCK_SEC.

        `now` is the monotonic clock in seconds.
        """
        return self._free <= 0 and now - self._moved_at > STUCK_SEC

    def _move(self, count: int) -> None:
        self._free += count
        self._moved_at = time.monotonic()
