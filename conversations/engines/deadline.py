"""By when a turn needs an engine's first output: what is left of its budget, from end of speech to first sound.

It goes with the task and not through every signature, since only the layer of the engines that tries again needs it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from time import monotonic

_due_at: ContextVar[float] = ContextVar("due_at", default=inf)


@contextmanager
def due_by(at: float | None) -> Iterator[None]:
    """For the calls made within, in this task: `at` is a time of `time.monotonic`; None is no deadline."""
    token = _due_at.set(inf if at is None else at)
    try:
        yield
    finally:
        _due_at.reset(token)


def remaining_sec() -> float:
    """Return how long the turn can wait for the first output; 0.0 when it is late, infinite without a deadline."""
    return max(0.0, _due_at.get() - monotonic())
