import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from django.db import IntegrityError, OperationalError

from conversations.changes import Change, ConversationDeletedError, Put
from conversations.realtime.items import Item
from conversations.writer import Writer


class Database:
    """Notes what is written and kept, transaction by transaction, after failing as told."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.written: list[list[str]] = []
        self.sounds: list[str] = []
        self.encoded = asyncio.Event()
        self.encoded.set()

    async def write(self, changes: Sequence[Change]) -> None:
        await self._fail()
        self.written.append([one.item.id if isinstance(one, Put) else f"no {one.item_id}" for one in changes])

    async def keep_sound(self, item_id: str, duration_ms: int, pcm: bytes) -> None:
        await self.encoded.wait()
        await self._fail()
        self.sounds.append(f"{item_id}: {duration_ms} ms, {len(pcm)} bytes")

    async def _fail(self) -> None:
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop(0)


@asynccontextmanager
async def running(database: Database, told: list[tuple[int, str]]) -> AsyncIterator[Writer]:
    def give_up(code: int, error: str, message: str) -> None:
        told.append((code, error))

    writer = Writer("conv_1", database.write, database.keep_sound, give_up, retry_after_sec=(0, 0))
    task = asyncio.create_task(writer.run())
    yield writer
    task.cancel()


def item(name: str) -> Item:
    return Item(name, role="user", audio_samples=24_000)


async def test_it_works() -> None:
    database, told = Database(), list[tuple[int, str]]()
    async with running(database, told) as writer:
        futures = [writer.save(item("a")), writer.save(item("b"), pcm=bytes(48_000)), writer.remove("a")]
        await writer.join()
        assert all(future.done() for future in futures)
        await writer.save(item("c"))
    assert database.written == [["a", "b", "no a"], ["c"]]  # what waits goes in one transaction
    assert database.sounds == ["b: 1000 ms, 48000 bytes"]
    assert told == []


async def test_rows_do_not_wait_for_the_sound_of_others() -> None:
    database, told = Database(), list[tuple[int, str]]()
    database.encoded.clear()
    async with running(database, told) as writer:
        await writer.save(item("a"), pcm=bytes(2))
        await writer.save(item("b"), pcm=bytes(4))
        assert database.written == [["a"], ["b"]]
        done = writer.save(item("reply"), pcm=bytes(6), with_sound=True)
        await writer.save(item("c"))
        assert (database.sounds, done.done()) == ([], False)
        database.encoded.set()
        await done
        assert len(database.sounds) == 3
        await writer.join()
    assert database.sounds == [f"{name}: 1000 ms, {size} bytes" for name, size in (("a", 2), ("b", 4), ("reply", 6))]


async def test_a_database_that_comes_back_loses_nothing_and_keeps_the_order() -> None:
    database, told = Database(OperationalError(), OperationalError()), list[tuple[int, str]]()
    async with running(database, told) as writer:
        for name in "abc":
            writer.save(item(name), pcm=bytes(2))
        await writer.join()
    assert ([name for names in database.written for name in names], told) == (["a", "b", "c"], [])
    assert len(database.sounds) == 3


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
        future = writer.save(item("a"))
        future.add_done_callback(lambda _: told.append((0, "done")))
        await writer.join()
        await future
    assert told == [expected, (0, "done")]


async def test_a_sound_that_is_lost_is_told_and_its_item_kept() -> None:
    database, told = Database(), list[tuple[int, str]]()
    database.encoded.clear()
    async with running(database, told) as writer:
        await writer.save(item("a"), pcm=bytes(2))
        database.failures = [IntegrityError()]
        database.encoded.set()
        await writer.join()
    assert (database.written, told) == ([["a"]], [(1011, "storage_failed")])
