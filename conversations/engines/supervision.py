"""Deadlines and further tries, the same for every provider."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from conversations.engines.base import EngineBusy, EngineTimeout, EngineUnavailable

T = TypeVar("T")

PAUSES_SEC = (0.2, 0.8)  # before the second and the third try; a person waits meanwhile


async def answer(
    attempt: Callable[[], Awaitable[T]], timeout_sec: float, timed_out: Callable[[float], EngineTimeout]
) -> T:
    """What `attempt()` returns. Failures that may pass are tried again, all within `timeout_sec`."""
    now = asyncio.get_running_loop().time
    deadline = now() + timeout_sec

    async def one_try() -> T:
        try:
            async with asyncio.timeout_at(deadline):
                return await attempt()
        except TimeoutError as error:
            raise timed_out(timeout_sec) from error

    for pause_sec in PAUSES_SEC:
        try:
            return await one_try()
        except (EngineUnavailable, EngineBusy):
            if now() + pause_sec >= deadline:
                raise  # it says more than a timeout would
        await asyncio.sleep(pause_sec)
    return await one_try()


async def pieces(
    open_stream: Callable[[], AsyncGenerator[T]], timeout_sec: float, timed_out: Callable[[float], EngineTimeout]
) -> AsyncGenerator[T]:
    """The pieces of `open_stream()`, which is opened again only while it has given none.

    `timeout_sec` holds to the first piece and between two; the consumer's own time does not count.
    """

    async def begin() -> tuple[AsyncGenerator[T], T | None]:
        stream = open_stream()
        return stream, await anext(stream, None)

    stream, piece = await answer(begin, timeout_sec, timed_out)
    async with aclosing(stream):
        while piece is not None:
            yield piece
            try:
                async with asyncio.timeout(timeout_sec):
                    piece = await anext(stream, None)
            except TimeoutError as error:
                raise timed_out(timeout_sec) from error
