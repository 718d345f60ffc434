"""What a session stores: in order, off the hot path, and through a database that restarts.

What waits is written in one transaction, each item's sound with it: the client hears of nothing that is not whole.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from django.db import DatabaseError, OperationalError

from conversations.changes import Change
from conversations.leases import ConversationDeletedError, TakenOverError

log = logging.getLogger(__name__)

# A database that restarts comes back within seconds; nothing acknowledged may be lost meanwhile.
RETRY_AFTER_SEC = (0.1, 0.5, 2.0)


@dataclass(frozen=True, slots=True)
class _Entry:
    change: Change
    done: asyncio.Future[None]


class Writer:
    """`write(changes)` is the store's, bound to the conversation.

    `give_up(close_code, error_code, message)` is called when a write is lost, before its future is done.
    """

    def __init__(
        self,
        conversation_id: str,
        write: Callable[[Sequence[Change]], Awaitable[None]],
        give_up: Callable[[int, str, str], None],
        retry_after_sec: tuple[float, ...] = RETRY_AFTER_SEC,
    ) -> None:
        self._conversation_id = conversation_id
        self._write = write
        self._give_up = give_up
        self._retry_after_sec = retry_after_sec
        self._queue: asyncio.Queue[_Entry] = asyncio.Queue()

    def put(self, change: Change) -> asyncio.Future[None]:
        """Queues a change; the future is done when it is durable, or given up."""
        done = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(_Entry(change, done))
        return done

    async def run(self) -> None:
        while True:
            await self._write_all(await self._queue.get())

    async def _write_all(self, first: _Entry) -> None:
        """What waits. Its sound is gone with this call, not kept by a session that has nothing more to store."""
        entries = [first]
        while not self._queue.empty():
            entries.append(self._queue.get_nowait())
        try:
            await self._persistently([entry.change for entry in entries])
        finally:
            for entry in entries:
                if not entry.done.cancelled():
                    entry.done.set_result(None)
                self._queue.task_done()

    async def join(self) -> None:
        """Waits until everything queued is stored."""
        await self._queue.join()

    async def _persistently(self, changes: Sequence[Change]) -> None:
        """Until it is stored; a write that is lost ends the session."""
        try:
            for wait_sec in self._retry_after_sec:
                try:
                    return await self._write(changes)
                except OperationalError:
                    await asyncio.sleep(wait_sec)
            return await self._write(changes)
        except (ConversationDeletedError, TakenOverError) as error:
            self._give_up(1008, error.code, str(error))
        except DatabaseError:
            log.exception("conversation %s could not be stored", self._conversation_id)
            self._give_up(1011, "storage_failed", "The conversation could not be stored, so it was ended.")
        return None
