"""What a session stores: in order, off the hot path, and through a database that restarts.

What waits is written in one transaction. Sound takes far longer to encode than a row to write, so it follows behind its
item's row, and no other row waits for it. Whoever saves decides whether the client hears of the item when its row is
durable or when its sound is too: where a reply waits that was ready ahead of the endpoint the row must do, and a server
that is killed within these milliseconds loses the sound of the last utterance, though never its item.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from django.db import DatabaseError, OperationalError

from conversations.changes import Change, ConversationDeletedError, Drop, Put
from conversations.realtime.items import Item

log = logging.getLogger(__name__)

# A database that restarts comes back within seconds; nothing acknowledged may be lost meanwhile.
RETRY_AFTER_SEC = (0.1, 0.5, 2.0)


@dataclass(frozen=True, slots=True)
class _Sound:
    item_id: str
    duration_ms: int
    pcm: bytes
    done: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class _Entry:
    change: Change
    done: asyncio.Future[None]
    sound: _Sound | None = None


class Writer:
    """`write(changes)` and `keep_sound(item_id, duration_ms, pcm)` are the store's, bound to the conversation.

    `give_up(close_code, error_code, message)` is called when a write is lost, before its future is done.
    """

    def __init__(
        self,
        conversation_id: str,
        write: Callable[[Sequence[Change]], Awaitable[None]],
        keep_sound: Callable[[str, int, bytes], Awaitable[None]],
        give_up: Callable[[int, str, str], None],
        retry_after_sec: tuple[float, ...] = RETRY_AFTER_SEC,
    ) -> None:
        self._conversation_id = conversation_id
        self._write = write
        self._keep_sound = keep_sound
        self._give_up = give_up
        self._retry_after_sec = retry_after_sec
        self._queue: asyncio.Queue[_Entry] = asyncio.Queue()
        self._sounds: asyncio.Queue[_Sound] = asyncio.Queue()

    def save(
        self, item: Item, after: str | None = None, pcm: bytes = b"", *, with_sound: bool = False
    ) -> asyncio.Future[None]:
        """Queues the item as it stands; the future is done when its row is durable, or given up.

        `after`: where it was inserted (an id, "root", or None for the end). `pcm`: its sound, stored behind it;
        `with_sound`: the future waits for it as well, and so for all sound before it.
        """
        stored = asyncio.get_running_loop().create_future()
        if not pcm:
            self._queue.put_nowait(_Entry(Put(item, after), stored))
            return stored
        kept = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(_Entry(Put(item, after), stored, _Sound(item.id, item.audio_ms, pcm, kept)))
        return kept if with_sound else stored

    def remove(self, item_id: str) -> asyncio.Future[None]:
        """Queues the removal of an item and its sound."""
        done = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(_Entry(Drop(item_id), done))
        return done

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write_changes())
            group.create_task(self._keep_sounds())

    async def join(self) -> None:
        """Waits until everything queued is stored."""
        await self._queue.join()
        await self._sounds.join()

    async def _write_changes(self) -> None:
        while True:
            entries = [await self._queue.get()]
            while not self._queue.empty():
                entries.append(self._queue.get_nowait())
            try:
                await self._persistently(partial(self._write, [entry.change for entry in entries]))
                for entry in entries:
                    if entry.sound is not None:
                        self._sounds.put_nowait(entry.sound)
            finally:
                for entry in entries:
                    _settle(entry.done)
                    self._queue.task_done()

    async def _keep_sounds(self) -> None:
        while True:
            sound = await self._sounds.get()
            try:
                await self._persistently(partial(self._keep_sound, sound.item_id, sound.duration_ms, sound.pcm))
            finally:
                _settle(sound.done)
                self._sounds.task_done()

    async def _persistently(self, write: Callable[[], Awaitable[None]]) -> None:
        """Until it is stored; a write that is lost ends the session."""
        try:
            for wait_sec in self._retry_after_sec:
                try:
                    return await write()
                except OperationalError:
                    await asyncio.sleep(wait_sec)
            return await write()
        except ConversationDeletedError as error:
            self._give_up(1008, "conversation_deleted", str(error))
        except DatabaseError:
            log.exception("conversation %s could not be stored", self._conversation_id)
            self._give_up(1011, "storage_failed", "The conversation could not be stored, so it was ended.")
        return None


def _settle(done: asyncio.Future[None]) -> None:
    if not done.cancelled():
        done.set_result(None)
