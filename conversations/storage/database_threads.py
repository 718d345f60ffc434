"""The threads on which async code reaches the database.

Each call runs in a pool of threads of its own, so that the sessions of one process do not queue behind one
another (`thread_sensitive` would put them all on one thread), and returns its connection to the pool at the end.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import Error, OperationalError, connection

from voiceproject import database
from voiceproject.database import outages

Params = ParamSpec("Params")
Result = TypeVar("Result")
_threads = ThreadPoolExecutor(settings.REALTIME["DB_THREADS"], thread_name_prefix="store")
ANSWER_SEC = 8.0  # the longest answer of a database that works, however busy it is


def in_thread(
    call: Callable[Params, Result], threads: ThreadPoolExecutor = _threads
) -> Callable[Params, Awaitable[Result]]:
    """Return `call` for async code: it runs in one of `threads`, with a database connection for a session."""

    @wraps(call)
    def with_connection(*args: Params.args, **kwargs: Params.kwargs) -> Result:
        try:
            with database.serve_session():
                return call(*args, **kwargs)
        except Error as error:
            outages.drop_connection(error)
            raise
        finally:
            connection.close()

    return sync_to_async(with_connection, thread_sensitive=False, executor=threads)


def count_waiting() -> int:
    """Return how many calls of sessions wait for a thread."""
    return _threads._work_queue.qsize()


def in_request(call: Callable[Params, Result]) -> Callable[Params, Awaitable[Result]]:
    """Return `call` for async code that serves a request: it runs in the request's own thread, with its connection."""

    @wraps(call)
    def with_connection(*args: Params.args, **kwargs: Params.kwargs) -> Result:
        try:
            return call(*args, **kwargs)
        finally:
            database.give_back()

    return sync_to_async(with_connection)


async def answer_in_time(asked: Awaitable[Result], limit_sec: float = ANSWER_SEC) -> Result:
    """Return an answer of the store, or raise OperationalError if it takes longer than `limit_sec`."""
    try:
        async with asyncio.timeout(limit_sec):
            return await asked
    except TimeoutError:
        raise OperationalError(f"No answer within {limit_sec:.0f} s.") from None
