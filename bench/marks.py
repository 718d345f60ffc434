"""Inaudible marks in the lowest bit of the samples, which say what is being spoken.

The emulated speech to text cannot understand speech, but must give the words of any part of an utterance. So the
callers mark their audio: every 5 ms a sync word, the number of the text and how many of its characters have been said.
One unit of 16 bits is 90 dB below full scale; the room's noise is 30 dB louder. Marks do not outlive resampling.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
SYNC = bytes.fromhex("b53ca7d9")
MARK_BITS = 64  # one a sample
EVERY_MS = 5


@dataclass(frozen=True, slots=True)
class Mark:
    """Which text is being spoken, and how much of it."""

    text: int  # its number in the library
    chars: int  # said so far


def write_mark(samples: Samples, at: int, mark: Mark) -> None:
    """Put a mark into the samples from `at` on, in place."""
    data = SYNC + mark.text.to_bytes(2, "big") + mark.chars.to_bytes(2, "big")
    place = samples[at : at + MARK_BITS]
    place &= ~np.int16(1)
    place |= np.unpackbits(np.frombuffer(data, np.uint8)).astype(np.int16)


def read_marks(samples: Samples) -> list[Mark]:
    """Return all whole marks, in order."""
    bits = (samples & 1).astype(np.uint8)
    return [mark for _, mark in sorted(_find_marks(bits), key=lambda found: found[0])]


def _find_marks(bits: NDArray[np.uint8]) -> Iterator[tuple[int, Mark]]:
    for phase in range(8):
        data = np.packbits(bits[phase:]).tobytes()
        at = data.find(SYNC)
        while at >= 0 and at + 8 <= len(data):
            yield at * 8 + phase, Mark(int.from_bytes(data[at + 4 : at + 6]), int.from_bytes(data[at + 6 : at + 8]))
            at = data.find(SYNC, at + 8)
