"""The frames for the client, in order, and between them what must be stored before the next frame is sent."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic


class OutboxFullError(Exception):
    """The client asks for more than it reads."""


class Outbox:
    """An ordered queue of frames and of futures that the frames behind them wait for.

    The write buffer of the socket is unbounded, so a client that stops reading would let it grow until its missing
    pong is noticed (50 s in Daphne). `bytes_per_sec` bounds that, unless `send` itself waits for the reader
    (`is_paced` False). Response audio takes 64,000 bytes a second.
    """

    def __init__(
        self,
        send: Callable[[str], Awaitable[None]],
        *,
        is_paced: bool = True,
        max_bytes: int = 16_000_000,
        burst_bytes: int = 4_000_000,
        bytes_per_sec: int = 400_000,
    ) -> None:
        self._send = send
        self._is_paced = is_paced
        self._queue: asyncio.Queue[str | asyncio.Future[None]] = asyncio.Queue()
        self._max_bytes = max_bytes
        self._held_bytes = 0
        self._rate = bytes_per_sec
        self._burst = burst_bytes
        self.is_sealed = False
        self._credit = float(burst_bytes)
        self._credited_at = monotonic()

    def put(self, frame: str) -> None:
        """Queue a frame of ASCII JSON (one byte a character), or raise OutboxFullError."""
        if self.is_sealed:
            return
        if self._held_bytes + len(frame) > self._max_bytes:
            raise OutboxFullError
        self._held_bytes += len(frame)
        self._queue.put_nowait(frame)

    def wait_for(self, done: asyncio.Future[None]) -> None:
        """Hold later frames back until `done` is done."""
        if not self.is_sealed:
            self._queue.put_nowait(done)

    async def send_now(self, frame: str) -> None:
        """Send a frame ahead of all that wait."""
        await self._send(frame)

    def seal(self) -> None:
        """Queue nothing more: what comes after the error that ends a session is about items that are not stored."""
        self.is_sealed = True

    def abandon(self) -> list[str]:
        """Drop what is queued, since it is about items that could not be stored, and return the frames."""
        dropped = []
        while not self._queue.empty():
            dropped.append(self._queue.get_nowait())
            self._count_out(dropped[-1])
        return [entry for entry in dropped if isinstance(entry, str)]

    async def run(self) -> None:
        """Send frames until cancelled."""
        while True:
            entry = await self._queue.get()
            try:
                if isinstance(entry, str):
                    if self._is_paced:
                        await self._pace(len(entry))
                    await self._send(entry)
                else:
                    await asyncio.wait({entry})  # if storing failed, that was reported and the outbox is sealed
            finally:
                self._count_out(entry)

    def _count_out(self, entry: str | asyncio.Future[None]) -> None:
        """Stop counting an entry's bytes; a frame counts until it was sent."""
        if isinstance(entry, str):
            self._held_bytes -= len(entry)
        self._queue.task_done()

    async def flush(self, timeout_sec: float) -> None:
        """Wait until everything queued was sent, for at most `timeout_sec`."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._queue.join(), timeout_sec)

    async def _pace(self, size: int) -> None:
        """Wait until the client's credit allows so many bytes."""
        now = monotonic()
        self._credit = min(self._burst, self._credit + (now - self._credited_at) * self._rate)
        self._credited_at = now
        self._credit -= size
        if self._credit < 0:
            await asyncio.sleep(-self._credit / self._rate)
