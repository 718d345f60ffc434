"""The limit on how many responses a session may start in a minute."""

from collections import deque
from typing import Any

from conversations.realtime.protocol.errors import Failure

MINUTE_SEC = 60.0
TOO_MANY = Failure("rate_limit_exceeded", "Too many responses within a minute. Wait a moment and try again.")


class ResponseRateLimit:
    """Count the responses that one session started in the last minute, and refuse more than `per_min`."""

    def __init__(self, per_min: int) -> None:
        self.per_min = per_min
        self._begun: deque[float] = deque()

    def try_begin(self, now: float) -> bool:
        """Count one more response and return True, or return False if the limit is reached."""
        self._forget(now)
        if len(self._begun) >= self.per_min:
            return False
        self._begun.append(now)
        return True

    def show(self, now: float) -> list[dict[str, Any]]:
        """Return the limits as `rate_limits.updated` has them; `reset_seconds`: until the whole limit is free again."""
        self._forget(now)
        left, reset_sec = self.per_min - len(self._begun), 0.0
        if self._begun:
            reset_sec = self._begun[-1] + MINUTE_SEC - now
        return [{"name": "requests", "limit": self.per_min, "remaining": left, "reset_seconds": round(reset_sec, 3)}]

    def _forget(self, now: float) -> None:
        while self._begun and self._begun[0] <= now - MINUTE_SEC:
            self._begun.popleft()
