"""What a session stores: in order, off the hot path, and through a database that restarts."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from django.db import DatabaseError, OperationalError

from conversations import store

log = logging.getLogger(__name__)

Write = Callable[[], Awaitable[None]]
# A database that restarts comes back within seconds; nothing acknowledged may be lost meanwhile.
RETRY_AFTER_SEC = (0.1, 0.5, 2.0)


class Writer:
    """`give_up(close_code, error_code, message)` is called when a write is lost, before its future is done."""

    def __init__(
        self,
        conversation_id: str,
        give_up: Callable[[int, str, str], None],
        retry_after_sec: tuple[float, ...] = RETRY_AFTER_SEC,
    ) -> None:
        self._conversation_id = conversation_id
        self._give_up = give_up
        self._retry_after_sec = retry_after_sec
        self._queue: asyncio.Queue[tuple[Write, asyncio.Future[None]]] = asyncio.Queue()

    def put(self, write: Write) -> asyncio.Future[None]:
        """Queues a write; the future is done when it is durable, or given up."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((write, done))
        return done

    async def run(self) -> None:
        while True:
            write, done = await self._queue.get()
            try:
                await self._persistently(write)
            except store.NotFoundError as error:
                self._give_up(1008, "conversation_deleted", str(error))
            except DatabaseError:
                log.exception("conversation %s could not be stored", self._conversation_id)
                self._give_up(1011, "storage_failed", "The conversation could not be stored, so it was ended.")
            finally:
                if not done.cancelled():
                    done.set_result(None)
                self._queue.task_done()

    async def join(self) -> None:
        """Waits until everything queued is stored."""
        await self._queue.join()

    async def _persistently(self, write: Write) -> None:
        for wait_sec in self._retry_after_sec:
            try:
                return await write()
            except OperationalError:
                await asyncio.sleep(wait_sec)
        return await write()
