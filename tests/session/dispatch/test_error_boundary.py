"""A session's error boundary: defects end there, cancellation does not."""

import asyncio
import inspect
import logging
from typing import Any

import pytest

from conversations.session.dispatch.error_boundary import BoundaryTaskGroup, ErrorBoundary


class Ended:
    """How often a session was ended."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


async def fail() -> None:
    raise RuntimeError("a defect")


async def test_a_defect_is_logged_once_and_ends_the_session_once(caplog: pytest.LogCaptureFixture) -> None:
    ended = Ended()
    boundary = ErrorBoundary("conv_1", ended)
    for _ in range(2):
        with boundary:
            await fail()
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.message == "a session failed in conversation conv_1"
    assert record.exc_info is not None
    assert ended.count == 1


async def test_cancellation_passes_through() -> None:
    ended = Ended()
    with pytest.raises(asyncio.CancelledError), ErrorBoundary("conv_1", ended):
        raise asyncio.CancelledError
    assert ended.count == 0


async def test_a_task_with_a_defect_cancels_no_other() -> None:
    ended = Ended()
    done = asyncio.Event()

    async def go_on() -> str:
        await done.wait()
        return "stored"

    async with BoundaryTaskGroup(ErrorBoundary("conv_1", ended)) as group:
        storing = group.create_task(go_on())
        broken = group.create_task(fail())
        await asyncio.wait({broken})
        done.set()
    assert (storing.result(), broken.result(), ended.count) == ("stored", None, 1)


async def test_a_task_that_is_cancelled_before_its_first_step() -> None:
    """Its work never begins, which must not be warned of."""
    begun: list[Any] = []

    async def begin() -> None:
        begun.append(1)

    async with BoundaryTaskGroup(ErrorBoundary("conv_1", Ended())) as group:
        group.create_task(begin()).cancel()
    assert begun == []


async def test_a_task_that_the_ending_group_refuses() -> None:
    """The group takes no more tasks; the work that never begins must not be warned of."""
    async with BoundaryTaskGroup(ErrorBoundary("conv_1", Ended())) as group:
        pass
    work = fail()
    with pytest.raises(RuntimeError, match="is finished"):
        group.create_task(work)
    assert inspect.getcoroutinestate(work) == inspect.CORO_CLOSED
