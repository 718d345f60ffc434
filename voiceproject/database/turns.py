"""Processes that start together on one database bring it up to date one after the other, while others serve on it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import Error, connection

LOCK_ID = 0x5E78  # any number that no other advisory lock of this site uses
LOOK_SEC = 0.2
# What wants to change a table and waits for somebody who reads it (a dump, say) lets nobody else read it meanwhile. So
# it gives up soon, and the start is tried again.
LOCK_WAIT_MS = 5_000


@contextmanager
def take_turns() -> Iterator[None]:
    """Wait for one's turn, and hold it within this context: each process finds the work of the one before it done.

    A statement within it that waits for a lock for longer than LOCK_WAIT_MS raises OperationalError.
    """
    with connection.cursor() as cursor:
        # To wait within Postgres would be a statement that runs, for whose end CREATE INDEX CONCURRENTLY waits in turn.
        while not _try_lock(cursor):
            time.sleep(LOOK_SEC)
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [str(LOCK_WAIT_MS)])
        try:
            with connection.execute_wrapper(_let_indexes_wait):
                yield
        finally:
            with suppress(Error):  # of a connection that was lost, and its lock with it
                cursor.execute("RESET lock_timeout")
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK_ID])


def _try_lock(cursor: Any) -> bool:
    cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_ID])
    return bool(cursor.fetchone()[0])


def _let_indexes_wait(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Let what is made CONCURRENTLY wait as long as it takes: it keeps nobody out, and would leave a half behind."""
    if " CONCURRENTLY " not in sql:
        return execute(sql, params, many, context)
    raw = context["connection"].connection
    raw.execute("SET lock_timeout = 0")
    try:
        return execute(sql, params, many, context)
    finally:
        raw.execute(f"SET lock_timeout = {LOCK_WAIT_MS}")
