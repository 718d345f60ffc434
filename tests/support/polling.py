"""Waiting for what another process does, which has no way to tell when it is done."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from django.db.models import QuerySet

from tests.support.patience import PATIENCE_SEC, stretch

INTERVAL_SEC = 0.05  # asking without a pause would take a core from who is waited for

Answer = TypeVar("Answer")


async def poll(ask: Callable[[], Awaitable[Answer]], patience_sec: float = PATIENCE_SEC) -> Answer:
    """Ask until the answer is true, and return it. Raise TimeoutError."""
    async with asyncio.timeout(stretch(patience_sec)):
        while not (answer := await ask()):  # noqa: ASYNC110
            await asyncio.sleep(INTERVAL_SEC)
    return answer


async def wait_until_none(rows: QuerySet[Any], patience_sec: float = PATIENCE_SEC) -> None:
    """Wait until there is no such row. Raise TimeoutError."""

    async def are_gone() -> bool:
        return not await rows.aexists()

    await poll(are_gone, patience_sec)
