"""A whole conversation as one Ogg Opus file, made while it is sent: the user on the left, the assistant on the right.

One item after the other, since no clock holds across the sessions of a conversation. Of a reply that was cut, what was
heard. An hour takes about 20 s of one core, so it is done by a thread that yields to all others, a piece at a time.
"""

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import av
import numpy as np

from conversations.audio import opus
from conversations.audio.growing_clips import lower_thread_priority
from conversations.models import clip_storage
from conversations.pcm import SAMPLE_RATE, SAMPLES_PER_MS
from conversations.storage.store import in_request
from voiceproject.database import give_back

log = logging.getLogger(__name__)

PIECE_SAMPLES = 10 * SAMPLE_RATE
BITS_PER_SEC = "48k"
LEFT, RIGHT = 0, 1
_thread = ThreadPoolExecutor(1, thread_name_prefix="recording", initializer=lower_thread_priority)
Samples = np.ndarray[tuple[int, ...], np.dtype[np.int16]]


@dataclass(frozen=True, slots=True)
class Part:
    """The sound of one item. `heard_ms` None: all of it."""

    file_name: str
    side: int
    heard_ms: int | None = None


async def stream(parts: Sequence[Part]) -> AsyncIterator[bytes]:
    """The file in pieces. A clip that is gone from the storage is left out, and logged."""
    mix = _Mix()
    loop = asyncio.get_running_loop()
    for part in parts:
        try:
            ogg = await _read(part.file_name)
        except FileNotFoundError:
            log.warning("the sound %s is gone from the storage", part.file_name)
            continue
        samples = await loop.run_in_executor(_thread, _decoded, ogg, part)
        for start in range(0, len(samples), PIECE_SAMPLES):
            piece = samples[start : start + PIECE_SAMPLES]
            yield await loop.run_in_executor(_thread, mix.add, piece, part.side)
    yield await loop.run_in_executor(_thread, mix.finish)


@in_request
def _read(name: str) -> bytes:
    give_back()  # the storage may be one that answers slowly
    with clip_storage().open(name, "rb") as file:
        return bytes(file.read())


def _decoded(ogg: bytes, part: Part) -> Samples:
    samples = np.frombuffer(opus.decode(ogg), dtype="<i2")
    return samples if part.heard_ms is None else samples[: part.heard_ms * SAMPLES_PER_MS]


class _Mix:
    def __init__(self) -> None:
        self._file = io.BytesIO()
        self._container = av.open(self._file, "w", format="ogg")
        options = {"b": BITS_PER_SEC, "application": opus.APPLICATION, "compression_level": opus.COMPLEXITY}
        self._stream = self._container.add_stream("libopus", rate=SAMPLE_RATE, layout="stereo", options=options)

    def add(self, samples: Samples, side: int) -> bytes:
        """What of the file is new; perhaps nothing."""
        both = np.zeros((1, 2 * len(samples)), dtype=np.int16)
        both[0, side::2] = samples
        frame = av.AudioFrame.from_ndarray(both, format="s16", layout="stereo")
        frame.sample_rate = SAMPLE_RATE
        self._container.mux(self._stream.encode(frame))
        return self._taken()

    def finish(self) -> bytes:
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._taken()

    def _taken(self) -> bytes:
        made = self._file.getvalue()
        self._file.seek(0)
        self._file.truncate()
        return made
