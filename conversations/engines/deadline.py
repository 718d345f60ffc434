"""The deadline by which a turn needs an engine's first output: its budget runs from end of speech to first sound.

It travels with the asyncio task instead of through every signature, since only the functions of `retries` need it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from time import monotonic

_due_at: ContextVar[float] = ContextVar("due_at", default=inf)


@contextmanager
def set_deadline(at: float | None) -> Iterator[None]:
    """Set the deadline of the engine calls made in this block: a time of `time.monotonic()`, or None for none."""
    token = _due_at.set(inf if at is None else at)
    try:
        yield
    finally:
        _due_at.reset(token)


def get_remaining_sec() -> float:
    """Return for how many seconds the turn can still wait: 0.0 if it is late, infinite without a deadline."""
    return max(0.0, _due_at.get() - monotonic())
