"""The client's frames, in order, until the session reads them as events. Their bytes and their pace are bounded."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from time import monotonic

from conversations.audio.wire_formats import InputAudio, decode_item_audio, get_bytes_per_ms, is_pcm
from conversations.pcm import BYTES_PER_MS
from conversations.realtime.protocol.audio_format import AudioFormat
from conversations.realtime.protocol.beta import BetaDialect
from conversations.realtime.protocol.client_events import (
    AudioAppend,
    ClientEvent,
    ItemCreation,
    parse_event,
    read_plain_append,
)
from conversations.realtime.protocol.session_config import SessionConfig
from conversations.session.dispatch.dispatch_queue import DispatchQueue

MAX_FRAME_BYTES = 16 * 1024 * 1024  # an official append holds up to 15 MiB of base64
MAX_HELD_BYTES = 4 * MAX_FRAME_BYTES
# Audio may come at once (a file), but not faster than speech for ever: detecting speech in it costs time.
MAX_AHEAD_SEC = 600.0
MAX_SPEED = 4.0
# The same holds for frames, which cost time however small they are. Frames of 20 ms stay within this.
MAX_AHEAD_FRAMES = 50 * MAX_AHEAD_SEC
MAX_FRAMES_PER_SEC = 50 * MAX_SPEED
# And for bytes, since items may hold audio too, which stays in memory until it is transcribed and stored.
MAX_AHEAD_BYTES = MAX_HELD_BYTES
MAX_BYTES_PER_SEC = 1_000_000
SECOND_BYTES = 1000 * BYTES_PER_MS
ALONE_SEC = 0.005  # a frame that comes so long after the one before waits for no other


class FrameTooLargeError(Exception):
    """A frame is too large and was refused; the session goes on."""

    def __init__(self, size: int) -> None:
        super().__init__(f"The frame has {size} bytes; the limit is {MAX_FRAME_BYTES}. Send audio in smaller appends.")


class TooFastError(Exception):
    """The client sends faster than the server can handle, which ends the session."""


def measure_bytes(frame: str | bytes) -> int:
    """Return the size of a frame on the wire, in bytes. ASCII, such as base64 audio, need not be encoded for it."""
    return len(frame) if isinstance(frame, bytes) or frame.isascii() else len(frame.encode(errors="surrogatepass"))


class Inbox:
    """A bounded queue of the client's frames. They are read in the dialect and the audio format of the client.

    A `dialect` of None is GA.
    """

    def __init__(self, dialect: BetaDialect | None = None) -> None:
        self._translate = dialect.translate_client_event if dialect else None
        self._audio = InputAudio()
        self._queue: asyncio.Queue[tuple[str | bytes, int] | None] = asyncio.Queue()
        self._held_bytes = 0
        self._is_idle = False  # all that came was read, and `read_frames` waits
        self._taken_at = 0.0  # when a frame that came alone was last given to the machine
        self._heard_sec = 0.0
        self._frames = self._bytes = 0
        self._started_at = monotonic()

    def put(self, frame: str | bytes) -> None:
        """Queue a frame without waiting, or raise FrameTooLargeError or TooFastError."""
        self._queue_frame(frame, self._count_frame(frame))

    def take(self, frame: str | bytes, config: SessionConfig, queue: DispatchQueue) -> None:
        """Give `queue` the event in a frame of PCM that comes alone, and queue any other frame. Raise as `put` does.

        So most frames cost no queue and no task of the event loop. Those that come closer together are queued, since a
        flood would have the loop for itself.
        """
        size, now = self._count_frame(frame), monotonic()
        is_alone = self._is_idle and not queue.is_waiting and now >= self._taken_at + ALONE_SEC
        if is_alone and size <= SECOND_BYTES and config.input.format == self._audio.kind == AudioFormat.PCM:
            event = AudioAppend(frame) if isinstance(frame, bytes) else read_plain_append(frame)
            if event is not None:
                self._taken_at = now
                self.count_audio(len(event.pcm) / SECOND_BYTES)
                return queue.receive(event)
        return self._queue_frame(frame, size)

    def _count_frame(self, frame: str | bytes) -> int:
        """Return the size of a frame. Raise FrameTooLargeError, or TooFastError if too much has come by now."""
        size = measure_bytes(frame)
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
        return size

    def _queue_frame(self, frame: str | bytes, size: int) -> None:
        self._is_idle = False
        self._held_bytes += size
        self._queue.put_nowait((frame, size))

    def end(self) -> None:
        """End the queue behind the frames that wait: they hold the client's last words."""
        self._is_idle = False
        self._queue.put_nowait(None)

    def discard_frames(self) -> None:
        """Drop the frames that wait, and end the queue, since the server ends the session."""
        while not self._queue.empty():
            self._queue.get_nowait()
        self._held_bytes = 0
        self.end()

    async def read_frames(self) -> AsyncIterator[str | bytes]:
        """Yield each frame until the queue ends."""
        while True:
            self._is_idle = self._queue.empty()
            if (entry := await self._queue.get()) is None:
                return
            frame, size = entry
            self._held_bytes -= size
            yield frame
            if not self._queue.empty():
                await asyncio.sleep(0)  # a queue that is not empty never waits, so let other sessions run

    async def read_events(self, frame: str | bytes, config: SessionConfig, queue: DispatchQueue) -> None:
        """Give `queue` the events in a frame, long audio in slices of a second. Raise ProtocolError or TooFastError.

        `config` is the session's present configuration, which names the formats of audio.
        """
        event = AudioAppend(frame) if isinstance(frame, bytes) else parse_event(frame, self._translate)
        kind = config.input.format
        if isinstance(event, ItemCreation) and not is_pcm(config):
            event, seconds = await asyncio.to_thread(decode_item_audio, event, config)
            self.count_audio(seconds)
        is_converted = not kind == self._audio.kind == AudioFormat.PCM
        pieces: Sequence[ClientEvent] = (event,)
        if isinstance(event, AudioAppend):
            pieces = self.slice_audio(event, get_bytes_per_ms(kind) if is_converted else BYTES_PER_MS)
        for place, piece in enumerate(pieces):
            if place:
                await queue.make_way()
            for one in self._audio.read(piece, kind) if is_converted else (piece,):
                queue.receive(one)

    def read_last_audio(self, take: Callable[[ClientEvent], None]) -> None:
        """Give `take` the end of the audio, which its decoder has held back, once there are no further frames."""
        for last in self._audio.flush():
            take(last)

    @property
    def _age_sec(self) -> float:
        return monotonic() - self._started_at

    def slice_audio(self, event: AudioAppend, bytes_per_ms: int = BYTES_PER_MS) -> list[AudioAppend]:
        """Return the append in slices of a second, between which other sessions can run. Raise TooFastError."""
        second = 1000 * bytes_per_ms
        self.count_audio(len(event.pcm) / second)
        if len(event.pcm) <= second:
            return [event]
        pieces = range(0, len(event.pcm), second)
        return [AudioAppend(event.pcm[start : start + second], event.event_id) for start in pieces]

    def count_audio(self, seconds: float) -> None:
        """Count so many seconds of audio, or raise TooFastError."""
        self._heard_sec += seconds
        if self._heard_sec > MAX_AHEAD_SEC + MAX_SPEED * self._age_sec:
            raise TooFastError
