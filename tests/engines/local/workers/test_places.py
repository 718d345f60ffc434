"""Processes of the site that share a machine's memory: what all of them load is bounded, with real processes."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from conversations.engines.errors import EngineUnavailable
from conversations.engines.local.workers import pools
from conversations.engines.local.workers.places import Places, count_places
from conversations.engines.local.workers.pool import WorkerPool
from tests.support.polling import poll

TASK = "tests.support.worker_tasks.load_task"


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    yield
    pools.close_pools()
    pools._places = None


def share(folder: Path, most: int, sharers: int) -> Places:
    places = Places(folder, most, sharers)
    pools.share_places(places)
    return places


async def use(pool: WorkerPool) -> None:
    async for _ in pool.stream(("describe", None)):
        pass


@pytest.mark.parametrize(("memory_mb", "most"), [(0, 2), (1_000, 3), (4_000, 12)])
def test_how_many_fit(memory_mb: int, most: int) -> None:
    assert count_places(memory_mb) == most


def test_each_place_is_taken_once_and_is_free_when_its_holder_ends(tmp_path: Path) -> None:
    places = Places(tmp_path / "models", 2, 1)
    one, another = places.take(), places.take()
    assert one is not None
    assert another is not None
    assert places.take() is None
    os.close(one)
    assert places.take() is not None


async def test_all_together_load_no_more(tmp_path: Path) -> None:
    """Whoever finds no place is told so, and gets one when another process of the site has given its own back."""
    places = share(tmp_path, most=1, sharers=2)
    elsewhere = WorkerPool("stt", TASK, (), processes=2, take_place=places.take)
    await use(elsewhere)
    assert len(elsewhere.list_process_ids()) == 1
    pool = pools.get_pool("stt", TASK, ())
    with pytest.raises(EngineUnavailable, match="memory"):
        await use(pool)
    await asyncio.to_thread(elsewhere.close)
    await use(pool)


async def test_where_no_place_can_be_made_it_is_said_and_tried_again(tmp_path: Path) -> None:
    """As without room for one more file."""
    (folder := tmp_path / "models").touch()
    share(folder, most=1, sharers=2)
    pool = pools.get_pool("stt", TASK, ())
    async with asyncio.timeout(30):
        with pytest.raises(EngineUnavailable, match="memory"):
            await use(pool)
        folder.unlink()
        await use(pool)


async def test_where_memory_is_scarce_each_has_one_of_a_kind(tmp_path: Path) -> None:
    share(tmp_path, most=4, sharers=2)
    pool = pools.get_pool("stt", TASK, (), processes=2, at_once=2)
    await use(pool)
    assert len(pool.list_process_ids()) == 1
    pools.get_pool("stt", "tests.support.worker_tasks.load_nothing", ())

    async def has_ended() -> bool:
        return not pool.list_process_ids()

    await poll(has_ended)


async def test_where_there_is_enough_nothing_changes(tmp_path: Path) -> None:
    share(tmp_path, most=6, sharers=2)
    pool = pools.get_pool("stt", TASK, (), processes=2)
    await use(pool)

    async def are_two() -> bool:
        return len(pool.list_process_ids()) == 2

    await poll(are_two)
