"""The speech of one clause, which is synthesised before it is its turn to be sent."""

import asyncio

from conversations.engines.errors import EngineError
from conversations.pcm import BYTES_PER_MS, count_samples, samples_to_ms
from conversations.realtime.commands import SpeakClause

FRAME_BYTES = 200 * BYTES_PER_MS  # the most audio in one server event


class ClauseSpeech:
    """The audio of one clause, from its provider until it is sent: PCM16 mono at 24 kHz."""

    def __init__(self, asked: SpeakClause) -> None:
        self.asked = asked
        self._pcm = bytearray()
        self._is_whole = not asked.text
        self._failure: EngineError | None = None
        self.is_dropped = False
        self.fetching: asyncio.Task[None] | None = None
        self._came = asyncio.Event()

    @property
    def seconds(self) -> float:
        """The length of the audio that waits, in seconds."""
        return samples_to_ms(count_samples(self._pcm)) / 1000

    def put(self, pcm: bytes) -> None:
        """Add audio."""
        self._pcm += pcm
        self._came.set()

    def end(self, failure: EngineError | None = None) -> None:
        """Note that no more audio comes, because of `failure` if there is one."""
        self._is_whole, self._failure = True, failure
        self._came.set()

    def drop(self) -> None:
        """Drop all audio and close the provider's stream."""
        self.is_dropped = True
        if self.fetching is not None:
            self.fetching.cancel()
        self._pcm.clear()
        self.end()

    async def take(self, least_bytes: int) -> bytes:
        """Return the next frame as soon as it has `least_bytes`, or b"" at the end.

        Raise the failure once all audio before it was taken.
        """
        while len(self._pcm) < least_bytes and not self._is_whole:
            self._came.clear()
            await self._came.wait()
        frame = bytes(self._pcm[:FRAME_BYTES])
        del self._pcm[:FRAME_BYTES]
        if not frame and self._failure is not None:
            raise self._failure
        return frame
