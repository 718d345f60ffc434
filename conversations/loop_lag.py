"""Measure how late the event loop is: every conversation of this process waits that long, on top of all else."""

import asyncio
from collections import deque
from time import monotonic
from typing import NoReturn

EVERY_SEC = 0.1
SAMPLES = 10  # the lag is the mean of a second, so that a single hiccup does not count as overload


class LoopLag:
    """Asks to be called every tenth of a second, and records how much later that was. Times are `monotonic()`."""

    def __init__(self) -> None:
        self._late_sec: deque[float] = deque(maxlen=SAMPLES)
        self._due_at: float | None = None
        self._running: asyncio.Task[NoReturn] | None = None

    def start(self) -> None:
        """Measure the running event loop from now on."""
        self._running = asyncio.get_running_loop().create_task(self._run())

    def begin_interval(self, now: float) -> None:
        """Expect the next call a tenth of a second after `now`."""
        self._due_at = now + EVERY_SEC

    def end_interval(self, now: float) -> None:
        """Record how much later than expected the call came."""
        if self._due_at is not None:
            self._late_sec.append(max(0.0, now - self._due_at))
        self._due_at = None

    def measure_sec(self, now: float) -> float:
        """Return the lag in seconds: the mean of the last second, or how late the loop is right now if that is more."""
        overdue = now - self._due_at if self._due_at is not None else 0.0
        mean = sum(self._late_sec) / len(self._late_sec) if self._late_sec else 0.0
        return max(mean, overdue, 0.0)

    async def _run(self) -> NoReturn:
        while True:
            self.begin_interval(monotonic())
            await asyncio.sleep(EVERY_SEC)
            self.end_interval(monotonic())


LAG = LoopLag()
