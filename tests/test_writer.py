import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from django.db import IntegrityError, OperationalError

from conversations.store import NotFoundError
from conversations.writer import Write, Writer


class Database:
    """Notes what is written, after failing as told."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.written: list[str] = []

    def write(self, name: str) -> Write:
        async def write() -> None:
            await asyncio.sleep(0)
            if self.failures:
                raise self.failures.pop(0)
            self.written.append(name)

        return write


@asynccontextmanager
async def running(given_up: list[tuple[int, str]]) -> AsyncIterator[Writer]:
    writer = Writer("conv_1", lambda code, error, message: given_up.append((code, error)), retry_after_sec=(0, 0))
    task = asyncio.create_task(writer.run())
    yield writer
    task.cancel()


async def test_it_works() -> None:
    database, given_up = Database(), list[tuple[int, str]]()
    async with running(given_up) as writer:
        futures = [writer.put(database.write(name)) for name in "abc"]
        await writer.join()
    assert database.written == ["a", "b", "c"]
    assert all(future.done() for future in futures)
    assert given_up == []


async def test_a_database_that_comes_back_loses_nothing_and_keeps_the_order() -> None:
    database, given_up = Database(OperationalError(), OperationalError()), list[tuple[int, str]]()
    async with running(given_up) as writer:
        for name in "abc":
            writer.put(database.write(name))
        await writer.join()
    assert (database.written, given_up) == (["a", "b", "c"], [])


@pytest.mark.parametrize(
    ("failures", "told"),
    [
        ([OperationalError()] * 3, (1011, "storage_failed")),
        ([IntegrityError()], (1011, "storage_failed")),
        ([NotFoundError("deleted")], (1008, "conversation_deleted")),
    ],
)
async def test_a_write_that_is_lost_is_told_before_its_future_is_done(
    failures: list[Exception], told: tuple[int, str]
) -> None:
    database, given_up = Database(*failures), list[tuple[int, str]]()
    async with running(given_up) as writer:
        future = writer.put(database.write("a"))
        future.add_done_callback(lambda _: given_up.append((0, "done")))
        await writer.join()
        await future
    assert given_up == [told, (0, "done")]
