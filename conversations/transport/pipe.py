"""The way between two processes for the frames of one client: numbered batches through the channel layer (Redis).

A batch that is missing ends the pipe as a lost connection does, and the client comes back once more. Each side sends a
batch every BEAT_SEC, be it empty, so that the other one notices when it is gone. Sound is gathered for GATHER_SEC at
most: frames of 20 ms would be a message each.
"""

import asyncio
import math
import os
import re
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cache
from time import monotonic
from typing import Any

from channels.exceptions import ChannelFull
from channels.layers import get_channel_layer

BEAT_SEC = 1.0
SILENCE_SEC = 3 * BEAT_SEC
FULL_SEC = 5.0  # so long a channel of the layer may be full
RETRY_SEC = 0.05
REST_SEC = 1.0  # of silence, behind which nothing more comes
GATHER_SEC = 0.05
BATCH_BYTES = 200_000
MOST_BYTES = 20_000_000  # that wait to be passed on; one frame may have 16 MiB
CHANNEL = "resumption"

# How frames begin that may wait for others: the sound of either side. Clients write JSON with a space here, or none.
SOUND = re.compile(r'\{"type": ?"(input_audio_buffer\.append|response\.(output_audio|audio)\.delta)"')

Message = dict[str, Any]
Frame = str | bytes


class PipeBrokenError(Exception):
    """The other process cannot be reached any more, or something was lost on the way."""


class Pipe:
    """One end: it sends to `channel`, as the connection of this id, and `receive` brings what the other end sends."""

    def __init__(self, channel: str, connection_id: str, receive: Callable[[], Awaitable[Message]]) -> None:
        self._channel, self._id, self._receive = channel, connection_id, receive
        self._waiting: list[Frame] = []
        self.waiting_bytes = 0
        self._is_too_full = False
        self._has_news, self._is_urgent, self._has_room = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._has_room.set()
        self._sent_at = -math.inf
        self._sent = self._taken = 0
        self._end_code: int | None = None

    async def tell(self, kind: str, **fields: Any) -> None:
        """Send a message. Raise PipeBrokenError."""
        message = {"type": kind, "id": self._id, **fields}
        try:
            async with asyncio.timeout(FULL_SEC):
                while not await self._try_to_send(message):  # noqa: ASYNC110  # nothing tells when there is room
                    await asyncio.sleep(RETRY_SEC)
        except Exception as error:  # whatever library fails
            raise PipeBrokenError(type(error).__name__) from error

    async def _try_to_send(self, message: Message) -> bool:
        with suppress(ChannelFull):
            await get_layer().send(self._channel, message)
            return True
        return False

    def put(self, frame: Frame) -> None:
        """Pass a frame on with the next batch. If too much waits, all of that is dropped, and the pipe breaks."""
        if self.waiting_bytes + len(frame) > MOST_BYTES:
            self._is_too_full = True
            self._take(len(self._waiting))
        if not self._is_too_full:
            self._waiting.append(frame)
            self.waiting_bytes += len(frame)
        if self.waiting_bytes > BATCH_BYTES:
            self._has_room.clear()
        self._has_news.set()
        if not is_sound(frame):
            self._is_urgent.set()

    async def wait_for_room(self) -> None:
        """Wait while more than a batch waits."""
        await self._has_room.wait()

    def end(self, code: int) -> None:
        """End the pipe behind what was put, with a close code for the other side."""
        if self._end_code is None:
            self._end_code = code
            self._has_news.set()
            self._is_urgent.set()

    @property
    def is_ending(self) -> bool:
        """Return whether nothing more is put."""
        return self._end_code is not None

    async def send_batches(self) -> None:
        """Send what is put, until the end: while a batch is on its way, the next one gathers. Raise PipeBrokenError.

        The first sound after a pause goes at once, and what is no sound always does, with all that was put before it.
        """
        while self._waiting or self._is_too_full or not self.is_ending:
            if not self._waiting and not self._is_too_full:
                with suppress(TimeoutError):
                    async with asyncio.timeout(BEAT_SEC):
                        await self._has_news.wait()
            await self._gather()
            self._has_news.clear()
            self._is_urgent.clear()
            self._sent += 1
            self._sent_at = monotonic()
            await self.tell("frames", number=self._sent, frames=self._take_batch())
        await self.tell("end", code=self._end_code)

    async def _gather(self) -> None:
        """Wait while there is but sound, until GATHER_SEC after the last batch."""
        rest_sec = self._sent_at + GATHER_SEC - monotonic()
        if self._waiting and rest_sec > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(rest_sec):
                    await self._is_urgent.wait()

    def _take_batch(self) -> list[Frame]:
        if self._is_too_full:
            raise PipeBrokenError("too much waits")
        count = size = 0
        while count < len(self._waiting) and size < BATCH_BYTES:
            size += len(self._waiting[count])
            count += 1
        batch = self._take(count)
        if self._waiting:
            self._is_urgent.set()
        return batch

    def _take(self, count: int) -> list[Frame]:
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        self.waiting_bytes -= sum(map(len, taken))
        if self.waiting_bytes <= BATCH_BYTES:
            self._has_room.set()
        return taken

    async def read(self) -> tuple[list[Frame], int | None]:
        """Return the next frames, which may be none, or the close code of the other side. Raise PipeBrokenError."""
        try:
            async with asyncio.timeout(SILENCE_SEC):
                message = await self._receive()
        except Exception as error:  # whatever library fails, and a silence
            raise PipeBrokenError(type(error).__name__) from error
        if message["type"] == "end":
            return [], message["code"]
        self._taken += 1
        if message["number"] != self._taken:
            raise PipeBrokenError("a batch is missing")
        return message["frames"], None

    async def discard_rest(self) -> None:
        """Read what is still on its way when the pipe is over: the channel layer would keep it for ever."""
        with suppress(Exception):  # a silence, or whatever library fails
            while True:
                async with asyncio.timeout(REST_SEC):
                    await self._receive()


def is_sound(frame: Frame) -> bool:
    """Return whether a frame has but sound, so that it may wait for a moment."""
    return isinstance(frame, bytes) or SOUND.match(frame) is not None


def get_layer() -> Any:
    """Return the channel layer, which this site has."""
    return get_channel_layer()


def get_process_id() -> str:
    """Return the name of this process, by which others send to it."""
    return _make_process_id(os.getpid())  # a fork is another one


@cache
def _make_process_id(_: int) -> str:
    return secrets.token_hex(8)


def name_channel(process_id: str) -> str:
    """Return the channel on which a process listens for clients that came to another one."""
    return f"{CHANNEL}.{process_id}"
