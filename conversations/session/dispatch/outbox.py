"""The frames for the client, in order, and between them what must be stored before the next frame is sent."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from conversations.audio.wire_formats import OutputAudio
from conversations.realtime.protocol.beta import BetaDialect

ERROR = json.dumps({"type": "error"})[:-1]  # how the frame of an error begins, in each dialect


class OutboxFullError(Exception):
    """The client asks for more than it reads."""


class Outbox:
    """An ordered queue of frames and of futures that the frames behind them wait for.

    The write buffer of the socket is unbounded, so a client that stops reading would let it grow until its missing
    pong is noticed, a minute later. `bytes_per_sec` bounds that, unless `send` itself waits for the reader
    (`is_paced` False). Response audio takes 64,000 bytes a second. Events become frames here, in the audio format and
    the dialect of the client; None is GA.
    """

    def __init__(
        self,
        send: Callable[[str], Awaitable[None]],
        dialect: BetaDialect | None = None,
        *,
        is_paced: bool = True,
        max_bytes: int = 16_000_000,
        burst_bytes: int = 4_000_000,
        bytes_per_sec: int = 400_000,
    ) -> None:
        self._send = send
        self._dialect = dialect
        self._audio = OutputAudio()
        self._is_paced = is_paced
        self._queue: asyncio.Queue[str | asyncio.Future[None]] = asyncio.Queue()
        self._max_bytes = max_bytes
        self._held_bytes = 0
        self._rate = bytes_per_sec
        self._burst = burst_bytes
        self.is_sealed = False
        self._credit = float(burst_bytes)
        self._credited_at = monotonic()

    def put_event(self, event: dict[str, Any]) -> None:
        """Queue a server event, or raise OutboxFullError."""
        is_converted = self._audio.kinds or event["type"] == "response.created"
        for one in self._audio.encode_event(event) if is_converted else (event,):
            if told := self._translate(one):
                self.put(json.dumps(told))

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

    async def send_event_now(self, event: dict[str, Any]) -> None:
        """Send a server event ahead of all that wait."""
        if told := self._translate(event):
            await self._send(json.dumps(told))

    def _translate(self, event: dict[str, Any]) -> dict[str, Any] | None:
        """Return an event in the client's dialect, or None if that has no such event."""
        return self._dialect.translate_server_event(event) if self._dialect else event

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

    def keep_errors(self) -> None:
        """Drop what is queued, as `abandon` does, but for errors: one of them may say why the session ends."""
        for frame in self.abandon():
            if frame.startswith(ERROR):
                self.put(frame)

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
