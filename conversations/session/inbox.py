"""What comes from the client, in order, until the session takes it. Bounded in bytes, and in pace."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

from conversations.pcm import BYTES_PER_MS
from conversations.realtime.protocol.client_events import AudioAppend

MAX_FRAME_BYTES = 16 * 1024 * 1024  # an official append holds up to 15 MiB of base64
MAX_HELD_BYTES = 4 * MAX_FRAME_BYTES
# Audio may come at once (a file), yet not for ever faster than speech: detection costs the same however it comes.
MAX_AHEAD_SEC = 600.0
MAX_SPEED = 4.0
# The same for frames, which cost however small they are: audio in frames of 20 ms keeps within.
MAX_AHEAD_FRAMES = 50 * MAX_AHEAD_SEC
MAX_FRAMES_PER_SEC = 50 * MAX_SPEED
# And for bytes, since items may hold sound as well: what is not yet transcribed and stored lies in memory.
MAX_AHEAD_BYTES = MAX_HELD_BYTES
MAX_BYTES_PER_SEC = 1_000_000


class FrameTooLargeError(Exception):
    """Refuses one frame; the session goes on. Its argument is the number of bytes."""


class TooFastError(Exception):
    """Ends the session: the client outruns the server."""


def size_bytes(frame: str | bytes) -> int:
    """Of the frame as it came over the wire; sound, as base64, costs no look at it."""
    return len(frame) if isinstance(frame, bytes) or frame.isascii() else len(frame.encode(errors="surrogatepass"))


class Inbox:
    def __init__(self) -> None:
        self._queue: asyncio.Queue[tuple[str | bytes, int] | None] = asyncio.Queue()
        self._held_bytes = 0
        self._heard_sec = 0.0
        self._frames = self._bytes = 0
        self._started_at = monotonic()

    def put(self, frame: str | bytes) -> None:
        """Never waits. Raises FrameTooLargeError or TooFastError, and then does not keep the frame."""
        size = size_bytes(frame)
        if size > MAX_FRAME_BYTES:
            raise FrameTooLargeError(size)
        self._frames += 1
        self._bytes += size
        age_sec = self._age_sec
        if (
            self._frames > MAX_AHEAD_FRAMES + MAX_FRAMES_PER_SEC * age_sec
            or self._bytes > MAX_AHEAD_BYTES + MAX_BYTES_PER_SEC * age_sec
            or self._held_bytes + size > MAX_HELD_BYTES
        ):
            raise TooFastError
        self._held_bytes += size
        self._queue.put_nowait((frame, size))

    def end(self) -> None:
        """No further frame is taken; those that wait still are, since they hold the client's last words."""
        self._queue.put_nowait(None)

    def cut(self) -> None:
        """No further frame is taken, nor those that wait: the server ends the session."""
        while not self._queue.empty():
            self._queue.get_nowait()
        self._held_bytes = 0
        self.end()

    async def frames(self) -> AsyncIterator[str | bytes]:
        while (entry := await self._queue.get()) is not None:
            frame, size = entry
            self._held_bytes -= size
            yield frame
            if not self._queue.empty():
                await asyncio.sleep(0)  # a queue that holds something does not wait: the other sessions would

    @property
    def _age_sec(self) -> float:
        return monotonic() - self._started_at

    def slices(self, event: AudioAppend, bytes_per_ms: int = BYTES_PER_MS) -> list[AudioAppend]:
        """The append in pieces of a second, between which other sessions can be served. Raises TooFastError."""
        second = 1000 * bytes_per_ms
        self.hear(len(event.pcm) / second)
        if len(event.pcm) <= second:
            return [event]
        pieces = range(0, len(event.pcm), second)
        return [AudioAppend(event.pcm[start : start + second], event.event_id) for start in pieces]

    def hear(self, seconds: float) -> None:
        """So much audio came. Raises TooFastError."""
        self._heard_sec += seconds
        if self._heard_sec > MAX_AHEAD_SEC + MAX_SPEED * self._age_sec:
            raise TooFastError
