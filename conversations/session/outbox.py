"""What leaves for the client, in order: frames, and between them what must be durable first."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic


class OutboxFullError(Exception):
    """The client asks for more than it takes."""


class Outbox:
    """An ordered queue of frames and barriers.

    The socket's write buffer below is unbounded, so a client that stops reading would grow it until its
    missing pong is noticed (50 s): `bytes_per_sec` bounds that, unless `send` itself waits for who reads
    (`is_paced` False). Reply audio takes 64,000 bytes a second.
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
        """Queues a frame, which is JSON in ASCII: a byte a character. Raises OutboxFullError."""
        if self.is_sealed:
            return
        if self._held_bytes + len(frame) > self._max_bytes:
            raise OutboxFullError
        self._held_bytes += len(frame)
        self._queue.put_nowait(frame)

    def wait_for(self, done: asyncio.Future[None]) -> None:
        """Holds later frames back until `done`."""
        if not self.is_sealed:
            self._queue.put_nowait(done)

    async def send_now(self, frame: str) -> None:
        """Ahead of all that waits."""
        await self._send(frame)

    def seal(self) -> None:
        """Takes nothing more: what comes after the error that ends a session tells of things that are not stored."""
        self.is_sealed = True

    def abandon(self) -> list[str]:
        """Drops what is queued, since it told of things that could not be stored; returns the frames among it."""
        dropped = []
        while not self._queue.empty():
            dropped.append(self._queue.get_nowait())
            self._done(dropped[-1])
        return [entry for entry in dropped if isinstance(entry, str)]

    async def run(self) -> None:
        """Sends until cancelled."""
        while True:
            entry = await self._queue.get()
            try:
                if isinstance(entry, str):
                    if self._is_paced:
                        await self._pace(len(entry))
                    await self._send(entry)
                else:
                    await asyncio.wait({entry})  # one that was not stored has been told of, and the outbox is sealed
            finally:
                self._done(entry)

    def _done(self, entry: str | asyncio.Future[None]) -> None:
        """It has left the queue, and its frame is counted no more: one that is being sent is until it was."""
        if isinstance(entry, str):
            self._held_bytes -= len(entry)
        self._queue.task_done()

    async def flush(self, timeout_sec: float) -> None:
        """Waits until everything queued has left, `timeout_sec` at most."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._queue.join(), timeout_sec)

    async def _pace(self, size: int) -> None:
        now = monotonic()
        self._credit = min(self._burst, self._credit + (now - self._credited_at) * self._rate)
        self._credited_at = now
        self._credit -= size
        if self._credit < 0:
            await asyncio.sleep(-self._credit / self._rate)
