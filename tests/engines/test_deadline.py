import asyncio
from math import inf
from time import monotonic

from conversations.engines.deadline import due_by, remaining_sec


def test_it_works() -> None:
    with due_by(monotonic() + 100):
        assert 99 < remaining_sec() <= 100
    assert remaining_sec() == inf


def test_one_that_is_late_has_nothing_left() -> None:
    with due_by(monotonic() - 1):
        assert remaining_sec() == 0.0


def test_no_deadline_inside_another() -> None:
    with due_by(monotonic()), due_by(None):
        assert remaining_sec() == inf


async def test_it_goes_with_the_task_that_it_was_set_in() -> None:
    async def look() -> float:
        return remaining_sec()

    with due_by(monotonic() + 100):
        inside = asyncio.create_task(look())
    outside = asyncio.create_task(look())
    assert (await inside < inf, await outside) == (True, inf)
