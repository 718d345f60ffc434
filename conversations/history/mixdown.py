"""A whole conversation as one Ogg Opus file, made while it is sent: the user on the left, the assistant on the right.

One item follows the other, since no clock holds across the sessions of a conversation. Of a reply that was cut there is
what was heard. An hour takes about 20 s of one core, so a thread that yields to all others makes it piece by piece.
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
from conversations.audio.clip_encoder import lower_thread_priority
from conversations.models import clip_storage
from conversations.pcm import SAMPLE_RATE, SAMPLES_PER_MS
from conversations.storage.database_threads import in_request
from voiceproject.database import give_back

log = logging.getLogger(__name__)

PIECE_SAMPLES = 10 * SAMPLE_RATE
BITS_PER_SEC = "48k"
LEFT, RIGHT = 0, 1
_thread = ThreadPoolExecutor(1, thread_name_prefix="recording", initializer=lower_thread_priority)
Samples = np.ndarray[tuple[int, ...], np.dtype[np.int16]]


@dataclass(frozen=True, slots=True)
class Part:
    """The sound of one item, up to `heard_ms` milliseconds; None stands for all of it."""

    file_name: str
    side: int
    heard_ms: int | None = None


async def stream_mixdown(parts: Sequence[Part]) -> AsyncIterator[bytes]:
    """Yield the file in pieces. A clip that the storage has lost is left out, and logged."""
    mix = _Mix()
    loop = asyncio.get_running_loop()
    for part in parts:
        try:
            ogg = await _read_clip(part.file_name)
        except FileNotFoundError:
            log.warning("the sound %s is gone from the storage", part.file_name)
            continue
        samples = await loop.run_in_executor(_thread, _decode, ogg, part)
        for start in range(0, len(samples), PIECE_SAMPLES):
            piece = samples[start : start + PIECE_SAMPLES]
            yield await loop.run_in_executor(_thread, mix.add, piece, part.side)
    yield await loop.run_in_executor(_thread, mix.finish)


@in_request
def _read_clip(name: str) -> bytes:
    """Return a stored clip, or raise FileNotFoundError."""
    give_back()  # the storage may be one that answers slowly
    with clip_storage().open(name, "rb") as file:
        return bytes(file.read())


def _decode(ogg: bytes, part: Part) -> Samples:
    """Return what was heard of a clip, as samples at 24 kHz."""
    samples = np.frombuffer(opus.decode(ogg), dtype="<i2")
    return samples if part.heard_ms is None else samples[: part.heard_ms * SAMPLES_PER_MS]


class _Mix:
    """The file as it grows."""

    def __init__(self) -> None:
        self._file = io.BytesIO()
        self._container = av.open(self._file, "w", format="ogg")
        options = {"b": BITS_PER_SEC, "application": opus.APPLICATION, "compression_level": opus.COMPLEXITY}
        self._stream = self._container.add_stream("libopus", rate=SAMPLE_RATE, layout="stereo", options=options)

    def add(self, samples: Samples, side: int) -> bytes:
        """Add samples on one side, and return the bytes that are new in the file, which may be none."""
        both = np.zeros((1, 2 * len(samples)), dtype=np.int16)
        both[0, side::2] = samples
        frame = av.AudioFrame.from_ndarray(both, format="s16", layout="stereo")
        frame.sample_rate = SAMPLE_RATE
        self._container.mux(self._stream.encode(frame))
        return self._take_new_bytes()

    def finish(self) -> bytes:
        """Close the file, and return its last bytes."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._take_new_bytes()

    def _take_new_bytes(self) -> bytes:
        """Return the bytes that are new, and forget them."""
        made = self._file.getvalue()
        self._file.seek(0)
        self._file.truncate()
        return made
