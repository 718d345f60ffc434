import asyncio
from math import inf
from time import monotonic

from conversations.engines.deadline import get_remaining_sec, set_deadline


def test_it_works() -> None:
    with set_deadline(monotonic() + 100):
        assert 99 < get_remaining_sec() <= 100
    assert get_remaining_sec() == inf


def test_a_deadline_that_has_passed_leaves_no_time() -> None:
    with set_deadline(monotonic() - 1):
        assert get_remaining_sec() == 0.0


def test_no_deadline_inside_another() -> None:
    with set_deadline(monotonic()), set_deadline(None):
        assert get_remaining_sec() == inf


async def test_it_goes_with_the_task_that_it_was_set_in() -> None:
    async def look() -> float:
        return get_remaining_sec()

    with set_deadline(monotonic() + 100):
        inside = asyncio.create_task(look())
    outside = asyncio.create_task(look())
    assert (await inside < inf, await outside) == (True, inf)
