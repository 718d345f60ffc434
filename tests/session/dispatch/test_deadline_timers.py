"""The timers of a machine's deadlines."""

import asyncio
from time import monotonic

from conversations.realtime.deadlines import Deadline
from conversations.realtime.engine_events import DeadlinePassed
from conversations.session.dispatch.deadline_timers import DeadlineTimers


async def test_it_works() -> None:
    reports: asyncio.Queue[DeadlinePassed] = asyncio.Queue()
    timers = DeadlineTimers(reports.put_nowait)
    timers.set(Deadline("idle"), monotonic() - 1)
    async with asyncio.timeout(5):
        assert await reports.get() == DeadlinePassed(Deadline("idle"))


async def test_a_deadline_that_is_set_again_or_cleared_does_not_pass() -> None:
    reports: asyncio.Queue[DeadlinePassed] = asyncio.Queue()
    timers = DeadlineTimers(reports.put_nowait)
    timers.set(Deadline("idle"), monotonic())
    timers.set(Deadline("idle"), monotonic() + 60)
    timers.set(Deadline("transcript", "item_1"), monotonic())
    timers.set(Deadline("transcript", "item_1"), None)
    timers.set(Deadline("transcript", "item_2"), monotonic())
    async with asyncio.timeout(5):
        assert await reports.get() == DeadlinePassed(Deadline("transcript", "item_2"))
    timers.cancel_all()
    assert reports.empty()
