"""The timers of the deadlines that a session's machine has set."""

import asyncio
from collections.abc import Callable
from time import monotonic

from conversations.realtime.deadlines import Deadline
from conversations.realtime.engine_events import DeadlinePassed


class DeadlineTimers:
    """Report each deadline when its time has come. `report` takes them as events of the machine."""

    def __init__(self, report: Callable[[DeadlinePassed], None]) -> None:
        self._report = report
        self._timers: dict[Deadline, asyncio.TimerHandle] = {}

    def set(self, deadline: Deadline, at: float | None) -> None:
        """Report the deadline at this monotonic time, in seconds, and not as set before; None clears it."""
        if timer := self._timers.pop(deadline, None):
            timer.cancel()
        if at is not None:
            loop = asyncio.get_running_loop()
            wait_sec = max(0.0, at - monotonic())
            self._timers[deadline] = loop.call_later(wait_sec, self._report, DeadlinePassed(deadline))

    def cancel_all(self) -> None:
        """Report none of the deadlines that are set now."""
        for timer in self._timers.values():
            timer.cancel()
