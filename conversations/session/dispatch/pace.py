"""How fast frames go to a client, as its socket's write buffer is unbounded and nobody tells how full it is."""

import asyncio
from time import monotonic


class Pace:
    """A credit of bytes that grows by `bytes_per_sec`, up to `burst_bytes`."""

    def __init__(self, burst_bytes: int, bytes_per_sec: int) -> None:
        self._burst, self._rate = burst_bytes, bytes_per_sec
        self._credit = float(burst_bytes)
        self._credited_at = monotonic()

    async def take(self, size: int) -> None:
        """Take so many bytes of the credit, and wait while it is overdrawn."""
        now = monotonic()
        self._credit = min(self._burst, self._credit + (now - self._credited_at) * self._rate)
        self._credited_at = now
        self._credit -= size
        if self._credit < 0:
            await asyncio.sleep(-self._credit / self._rate)
