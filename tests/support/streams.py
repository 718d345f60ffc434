from collections.abc import AsyncIterator
from typing import TypeVar

T = TypeVar("T")


async def gather(stream: AsyncIterator[T], came: list[T]) -> None:
    """Append what comes to `came`, which keeps it when the stream fails."""
    async for piece in stream:
        came.append(piece)  # noqa: PERF401 - a comprehension would keep nothing
