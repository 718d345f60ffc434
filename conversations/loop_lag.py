"""How late the event loop is: what every conversation of this process waits, over and above all else."""

import asyncio
from collections import deque
from time import monotonic
from typing import NoReturn

EVERY_SEC = 0.1
SAMPLES = 10  # a second: a hiccup passes, a loop with too much to do does not


class LoopLag:
    """Asks to be called every tenth of a second, and keeps in mind how much later that was. `now` is monotonic."""

    def __init__(self) -> None:
        self._late_sec: deque[float] = deque(maxlen=SAMPLES)
        self._due_at: float | None = None
        self._running: asyncio.Task[NoReturn] | None = None

    def start(self) -> None:
        """Measure from now on; for the event loop."""
        self._running = asyncio.get_running_loop().create_task(self._run())

    def begin_interval(self, now: float) -> None:
        self._due_at = now + EVERY_SEC

    def end_interval(self, now: float) -> None:
        if self._due_at is not None:
            self._late_sec.append(max(0.0, now - self._due_at))
        self._due_at = None

    def seconds(self, now: float) -> float:
        """Return the mean of the last second, or how late the loop is right now, if that is more."""
        overdue = now - self._due_at if self._due_at is not None else 0.0
        mean = sum(self._late_sec) / len(self._late_sec) if self._late_sec else 0.0
        return max(mean, overdue, 0.0)

    async def _run(self) -> NoReturn:
        while True:
            self.begin_interval(monotonic())
            await asyncio.sleep(EVERY_SEC)
            self.end_interval(monotonic())


LAG = LoopLag()
