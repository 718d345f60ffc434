import asyncio
import weakref
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, InterfaceError, InternalError, OperationalError
from prometheus_client import REGISTRY

from conversations.realtime.protocol.items import LiveItem
from conversations.storage.changes import Change, Drop, Put
from conversations.storage.clips.clip_files import ClipStorageError
from conversations.storage.leases import ConversationDeletedError
from conversations.storage.write_queue import NotStoredError, WriteQueue


class Database:
    """Notes what is written, transaction by transaction, after failing as told."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.written: list[list[str]] = []

    async def write(self, changes: Sequence[Change]) -> None:
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop(0)
        self.written.append([one.item.id if isinstance(one, Put) else f"no {one.item_id}" for one in changes])


class HangingDatabase(Database):
    """Answers nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.is_let_go = asyncio.Event()

    async def write(self, changes: Sequence[Change]) -> None:
        await self.is_let_go.wait()
        await super().write(changes)


class Told(list[tuple[int, str]]):
    """What was told, for who waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.is_told = asyncio.Event()

    def append(self, one: tuple[int, str]) -> None:
        super().append(one)
        self.is_told.set()


@asynccontextmanager
async def run_queue(database: Database, told: list[tuple[int, str]], **limits: float) -> AsyncIterator[WriteQueue]:
    def give_up(code: int, error: str, message: str) -> None:
        told.append((code, error))

    async def tell(message: str, *, is_late: bool) -> None:
        told.append((int(is_late), "late" if is_late else "well"))

    writer = WriteQueue("conv_1", database.write, give_up, tell, retry_after_sec=(0, 0), **limits)
    task = asyncio.create_task(writer.run())
    yield writer
    task.cancel()


ITEMS = {name: LiveItem(name, role="user") for name in "abc"}


def make_put(name: str) -> Put:
    return Put(ITEMS[name])


async def test_it_works() -> None:
    database, told = Database(), list[tuple[int, str]]()
    async with run_queue(database, told) as writer:
        futures = [writer.put(make_put("a")), writer.put(make_put("b")), writer.put(Drop("a"))]
        await writer.join()
        assert all(future.done() for future in futures)
        await writer.put(make_put("c"))
    assert database.written == [["a", "b", "no a"], ["c"]]  # what waits goes in one transaction
    assert told == []


async def test_what_is_stored_is_not_kept() -> None:
    def make_clip() -> bytes:
        return b""

    kept = weakref.ref(make_clip)
    async with run_queue(Database(), []) as writer:
        writer.put(Put(LiveItem("a", role="user"), make_clip=make_clip))
        await writer.join()
        await asyncio.sleep(0)
        del make_clip
        assert kept() is None


async def test_a_database_that_comes_back_loses_nothing_and_keeps_the_order() -> None:
    database, told = Database(OperationalError(), OperationalError()), list[tuple[int, str]]()
    async with run_queue(database, told) as writer:
        for name in "abc":
            writer.put(make_put(name))
        await writer.join()
    assert ([name for names in database.written for name in names], told) == (["a", "b", "c"], [])


def make_passing_error(cause: Exception) -> DatabaseError:
    error = InternalError()
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("failure", "storage"),
    [
        (OperationalError(), "database"),
        (InterfaceError(), "database"),
        (make_passing_error(psycopg.errors.ReadOnlySqlTransaction()), "database"),
        (ClipStorageError("away"), "clips"),
    ],
)
async def test_all_that_passes_by_itself_is_waited_for_and_counted(failure: Exception, storage: str) -> None:
    database, told, before = Database(failure, failure), list[tuple[int, str]](), count_retries(storage)
    async with run_queue(database, told) as writer:
        await writer.put(make_put("a"))
    assert (database.written, told) == ([["a"]], [])
    assert count_retries(storage) - before == 2


def count_retries(storage: str) -> float:
    """Return the count of retries that Prometheus reads."""
    return REGISTRY.get_sample_value("voiceproject_storage_retries_total", {"storage": storage}) or 0


async def test_what_takes_long_is_told_and_so_is_its_end() -> None:
    database, told = HangingDatabase(), Told()
    async with run_queue(database, told, late_sec=0.01) as writer:
        done = writer.put(make_put("a"))
        await asyncio.wait_for(told.is_told.wait(), 10)
        assert (told, done.done()) == ([(1, "late")], False)
        database.is_let_go.set()
        await done
    assert told == [(1, "late"), (0, "well")]


async def test_a_client_that_does_not_read_holds_no_write_up() -> None:
    """It is told once it reads, of how things stand then."""
    database, told, reads = HangingDatabase(), Told(), asyncio.Event()

    async def tell(_: str, *, is_late: bool) -> None:
        told.append((int(is_late), "told"))
        await reads.wait()

    writer = WriteQueue("conv_1", database.write, lambda *_: None, tell, late_sec=0.01)
    running = asyncio.create_task(writer.run())
    done = writer.put(make_put("a"))
    await asyncio.wait_for(told.is_told.wait(), 5)
    for name in "bc":
        database.is_let_go.set()
        await asyncio.wait_for(done, 5)
        database.is_let_go.clear()
        done = writer.put(make_put(name))
        await asyncio.wait({done}, timeout=0.02)  # late again
    database.is_let_go.set()
    await asyncio.wait_for(done, 5)
    assert (database.written, told) == ([["a"], ["b"], ["c"]], [(1, "told")])
    told.is_told.clear()
    reads.set()
    await asyncio.wait_for(told.is_told.wait(), 5)
    assert told == [(1, "told"), (0, "told")]
    running.cancel()


async def test_one_that_never_reads_does_not_outlive_the_queue() -> None:
    database, told, is_over = HangingDatabase(), Told(), asyncio.Event()

    async def tell(_: str, *, is_late: bool) -> None:
        told.append((int(is_late), "told"))
        try:
            await asyncio.Event().wait()
        finally:
            is_over.set()

    running = asyncio.create_task((writer := WriteQueue("conv_1", database.write, print, tell, late_sec=0.01)).run())
    writer.put(make_put("a"))
    await asyncio.wait_for(told.is_told.wait(), 5)
    running.cancel()
    await asyncio.wait({running})
    assert is_over.is_set()


async def test_what_could_not_be_stored_is_there_at_the_end() -> None:
    """With what came after; and the try that hangs is known, since it may yet succeed."""
    database, told = HangingDatabase(), list[tuple[int, str]]()
    async with run_queue(database, told, patience_sec=0.01) as writer:
        first = writer.put(make_put("a"))
        await writer.join()
        later = writer.put(make_put("b"))
        for future in (first, later):
            with pytest.raises(NotStoredError):
                await future
    assert told == [(1011, "storage_failed")]
    assert writer.hanging
    assert await writer.close() == [make_put("a"), make_put("b")]
    database.is_let_go.set()
    await writer.hanging
    assert await writer.close() == [make_put("b")]


async def test_a_write_under_way_when_the_session_ends_counts_once_it_is_done() -> None:
    database = HangingDatabase()
    async with run_queue(database, []) as writer:
        writer.put(make_put("a"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    database.is_let_go.set()
    assert await writer.close() == []


@pytest.mark.parametrize(
    ("failures", "expected"),
    [
        ([OperationalError()] * 3, (1011, "storage_failed")),
        ([ClipStorageError("away")] * 3, (1011, "storage_failed")),
        ([IntegrityError()], (1011, "storage_failed")),
        ([ConversationDeletedError()], (1008, "conversation_deleted")),
    ],
)
async def test_a_write_that_is_lost_is_told_before_its_future_is_done(
    failures: list[Exception], expected: tuple[int, str]
) -> None:
    database, told = Database(*failures), list[tuple[int, str]]()
    async with run_queue(database, told) as writer:
        future = writer.put(make_put("a"))
        future.add_done_callback(lambda _: told.append((0, "done")))
        await writer.join()
        with pytest.raises(NotStoredError):
            await future
    assert told == [expected, (0, "done")]
