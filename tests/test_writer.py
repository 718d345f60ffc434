import asyncio
import weakref
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from django.db import IntegrityError, OperationalError

from conversations.changes import Change, Drop, Put
from conversations.leases import ConversationDeletedError
from conversations.realtime.items import Item
from conversations.writer import Writer


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


@asynccontextmanager
async def running(database: Database, told: list[tuple[int, str]]) -> AsyncIterator[Writer]:
    def give_up(code: int, error: str, message: str) -> None:
        told.append((code, error))

    writer = Writer("conv_1", database.write, give_up, retry_after_sec=(0, 0))
    task = asyncio.create_task(writer.run())
    yield writer
    task.cancel()


def item(name: str) -> Put:
    return Put(Item(name, role="user"))


async def test_it_works() -> None:
    database, told = Database(), list[tuple[int, str]]()
    async with running(database, told) as writer:
        futures = [writer.put(item("a")), writer.put(item("b")), writer.put(Drop("a"))]
        await writer.join()
        assert all(future.done() for future in futures)
        await writer.put(item("c"))
    assert database.written == [["a", "b", "no a"], ["c"]]  # what waits goes in one transaction
    assert told == []


async def test_what_is_stored_is_not_kept() -> None:
    def make_clip() -> bytes:
        return b""

    kept = weakref.ref(make_clip)
    async with running(Database(), []) as writer:
        writer.put(Put(Item("a", role="user"), make_clip=make_clip))
        await writer.join()
        await asyncio.sleep(0)
        del make_clip
        assert kept() is None


async def test_a_database_that_comes_back_loses_nothing_and_keeps_the_order() -> None:
    database, told = Database(OperationalError(), OperationalError()), list[tuple[int, str]]()
    async with running(database, told) as writer:
        for name in "abc":
            writer.put(item(name))
        await writer.join()
    assert ([name for names in database.written for name in names], told) == (["a", "b", "c"], [])


@pytest.mark.parametrize(
    ("failures", "expected"),
    [
        ([OperationalError()] * 3, (1011, "storage_failed")),
        ([IntegrityError()], (1011, "storage_failed")),
        ([ConversationDeletedError()], (1008, "conversation_deleted")),
    ],
)
async def test_a_write_that_is_lost_is_told_before_its_future_is_done(
    failures: list[Exception], expected: tuple[int, str]
) -> None:
    database, told = Database(*failures), list[tuple[int, str]]()
    async with running(database, told) as writer:
        future = writer.put(item("a"))
        future.add_done_callback(lambda _: told.append((0, "done")))
        await writer.join()
        await future
    assert told == [expected, (0, "done")]
