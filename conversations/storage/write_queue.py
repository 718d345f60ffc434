"""Writes the changes of a session in order, off the hot path, with retries while a database or a clip storage is away.

All changes that wait are written in one transaction, each item with its audio: no client is told of half an item.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal
from weakref import WeakSet

from django.db import Error

from conversations import metrics
from conversations.close_codes import INTERNAL_ERROR, POLICY_VIOLATION
from conversations.storage.changes import Change
from conversations.storage.clips.clip_files import ClipStorageError
from conversations.storage.leases import ConversationDeletedError, TakenOverError
from voiceproject.database import outages

log = logging.getLogger(__name__)

# Pauses between tries: a database that restarts is back within seconds, one that fails over within a minute.
RETRY_AFTER_SEC = (0.1, 0.5, 1.0, *[2.0] * 60)
LATE_SEC = 3.0  # after that the client is told
PATIENCE_SEC = 120.0  # after that the session ends: nobody goes on for longer without an answer
MAX_WAITING = 2_000  # changes; more than a conversation makes in that time
CLOSE_SEC = 1.0  # wait for a write that is under way when the session has ended
AWAY = "What you say cannot be saved right now. Nothing is lost: the conversation continues once saving works again."
BACK = "Saving works again. Everything that was said is saved."
ENDED = (
    "The conversation could not be saved for too long, so it was ended. What was said is kept, and will be saved later."
)
FAILED = "The conversation could not be saved, so it was ended."


class NotStoredError(Exception):
    """A change was not durable when the session ended; futures of `put` raise it."""


_queues: WeakSet["WriteQueue"] = WeakSet()  # those of all sessions


def count_waiting() -> int:
    """Return how many changes of all sessions of this process are not stored yet."""
    return sum(queue.count_waiting() for queue in list(_queues))


@dataclass(frozen=True, slots=True)
class _Entry:
    change: Change
    done: asyncio.Future[None]


async def _tell_nobody(message: str, *, is_late: bool) -> None:
    pass


class WriteQueue:
    """The queue of one session.

    `write(changes)` makes changes durable: the store's, bound to the conversation. `give_up(close_code, error_code,
    message)` is called when a write is lost or takes too long, before its future is done; nothing is written after
    that. `tell(message, is_late=…)` is called when storing is late, and when it works again: one call after the other,
    and no write waits for them, since a client may not read. They must raise nothing.
    """

    def __init__(
        self,
        conversation_id: str,
        write: Callable[[Sequence[Change]], Awaitable[None]],
        give_up: Callable[[int, str, str], None],
        tell: Callable[..., Awaitable[None]] = _tell_nobody,
        retry_after_sec: tuple[float, ...] = RETRY_AFTER_SEC,
        patience_sec: float = PATIENCE_SEC,
        late_sec: float = LATE_SEC,
    ) -> None:
        self._conversation_id = conversation_id
        self._write = write
        self._give_up = give_up
        self._tell = tell
        self._retry_after_sec = retry_after_sec
        self._patience_sec, self._late_sec = patience_sec, late_sec
        self._waiting: deque[_Entry] = deque()  # changes that are not durable yet
        self._news = asyncio.Event()
        self._running: asyncio.Future[None] | None = None  # the try that is under way
        self._tried = 0  # how many entries that try has
        self._has_given_up = self._is_late = self._is_told_late = False
        self._telling: asyncio.Task[None] | None = None
        self._is_kept = False  # whether what waits is still kept for the spool after giving up
        self.has_stored = False  # whether anything at all was stored
        _queues.add(self)

    def count_waiting(self) -> int:
        """Return how many changes are not stored yet."""
        return len(self._waiting)

    def put(self, change: Change) -> asyncio.Future[None]:
        """Queue a change. The future is done when it is durable, or raises NotStoredError."""
        entry = _Entry(change, asyncio.get_running_loop().create_future())
        if self._has_given_up:
            _fail(entry)
        if not self._has_given_up or self._is_kept:
            self._waiting.append(entry)
            self._news.set()
        return entry.done

    async def run(self) -> None:
        """Write what is queued, until it gives up or is cancelled. Raise what nobody foresaw, after giving up."""
        try:
            while not self._has_given_up:
                await self._news.wait()
                self._news.clear()
                while self._waiting and not self._has_given_up:
                    await self._write_all()
        except Exception:  # a defect; without this, frames would wait for ever for what is not stored
            self._give_up_waiting(INTERNAL_ERROR, "storage_failed", FAILED, is_kept=True)
            raise
        finally:
            if self._telling is not None:
                self._telling.cancel()
                await asyncio.wait({self._telling})

    async def join(self) -> None:
        """Wait until everything queued is stored, or given up."""
        while self._waiting and not self._has_given_up:
            await asyncio.wait({self._waiting[-1].done})

    async def close(self) -> list[Change]:
        """Return the changes that are not stored, after `run`. The caller must keep them, and mind `hanging`."""
        if self._running is not None:
            await asyncio.wait({self._running}, timeout=CLOSE_SEC)
            if self._running.done() and not self._running.cancelled() and self._running.exception() is None:
                self._settle_written()
        return [entry.change for entry in self._waiting]

    @property
    def hanging(self) -> asyncio.Future[None] | None:
        """The try that hangs, if one does. It may still succeed, and must not do so after a later one."""
        return self._running if self._running and not self._running.done() else None

    async def _write_all(self) -> None:
        """Write all that waits. The list of changes, with their audio, lives only as long as this call."""
        try:
            await self._write_with_retries([entry.change for entry in self._waiting])
        except (ConversationDeletedError, TakenOverError) as error:
            # What waited for the database was said before another session took over, so it is kept.
            is_kept = isinstance(error, TakenOverError) and self._is_late
            self._give_up_waiting(POLICY_VIOLATION, error.code, str(error), is_kept=is_kept)
        except (Error, ClipStorageError, TimeoutError) as error:
            is_kept = _may_pass(error)
            log.error("conversation %s could not be stored", self._conversation_id, exc_info=None if is_kept else error)
            self._give_up_waiting(INTERNAL_ERROR, "storage_failed", ENDED if is_kept else FAILED, is_kept=is_kept)
        else:
            self._settle_written()

    async def _write_with_retries(self, changes: Sequence[Change]) -> None:
        """Write with retries. Raise what the last try raised, or TimeoutError if it hangs."""
        began_at = asyncio.get_running_loop().time()
        for wait_sec in chain(self._retry_after_sec, [None]):
            try:
                await self._try_write(changes, began_at)
                break
            except (Error, ClipStorageError) as error:
                if wait_sec is None or not self._may_wait(error, began_at):
                    raise
                self._report_retry(error)
                await asyncio.sleep(wait_sec)
        if self._is_late:
            log.info("conversation %s is stored again", self._conversation_id)
            self._mark_late(False)

    async def _try_write(self, changes: Sequence[Change], began_at: float) -> None:
        self._tried = len(changes)
        self._running = running = asyncio.ensure_future(self._write(changes))
        if not self._is_late:
            await asyncio.wait(
                {running}, timeout=self._compute_remaining_sec(min(self._late_sec, self._patience_sec), began_at)
            )
            if self._compute_remaining_sec(self._late_sec, began_at) <= 0 and not (
                running.done() and running.exception() is None
            ):
                self._mark_late(True)
        await asyncio.wait({running}, timeout=self._compute_remaining_sec(self._patience_sec, began_at))
        if not running.done():
            raise TimeoutError("The storage hangs.")
        self._running = None
        running.result()

    def _mark_late(self, is_late: bool) -> None:
        """Note whether storing is late, and tell it in a task, of which there is one at a time."""
        self._is_late = is_late
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_news())

    async def _tell_news(self) -> None:
        while self._is_told_late != self._is_late:
            self._is_told_late = self._is_late
            await self._tell(AWAY if self._is_late else BACK, is_late=self._is_late)

    def _may_wait(self, error: Exception, began_at: float) -> bool:
        has_room = len(self._waiting) < MAX_WAITING
        return _may_pass(error) and has_room and self._compute_remaining_sec(self._patience_sec, began_at) > 0

    def _compute_remaining_sec(self, limit_sec: float, began_at: float) -> float:
        return max(0.0, began_at + limit_sec - asyncio.get_running_loop().time())

    def _report_retry(self, error: Exception) -> None:
        where: Literal["database", "clips"] = "clips" if isinstance(error, ClipStorageError) else "database"
        metrics.count_storage_retry(where)
        log.warning("conversation %s waits for the %s: %s", self._conversation_id, where, outages.describe(error))

    def _settle_written(self) -> None:
        self._running = None
        self.has_stored = True
        for _ in range(self._tried):
            done = self._waiting.popleft().done
            if not done.done():
                done.set_result(None)
        self._tried = 0

    def _give_up_waiting(self, code: int, error_code: str, message: str, *, is_kept: bool) -> None:
        self._has_given_up, self._is_kept = True, is_kept
        self._give_up(code, error_code, message)
        for entry in self._waiting:
            _fail(entry)
        if not is_kept:
            self._waiting.clear()


def _may_pass(error: Exception) -> bool:
    return isinstance(error, ClipStorageError | TimeoutError) or outages.is_passing(error)


def _fail(entry: _Entry) -> None:
    if not entry.done.done():
        entry.done.set_exception(NotStoredError())
        entry.done.exception()  # so that asyncio does not report it where nobody waits
