"""G.711, the codec of telephony: 8,000 samples a second, a byte each, by the µ-law or the A-law (ITU-T G.711).

The site's PCM has 24 kHz, three times as much. The resampling filters are our own: soxr's streams hold back their first
13 to 40 ms, by which a reply would begin later. These filters look 2 ms ahead.
"""

from typing import TypeAlias

import numpy as np

from conversations.pcm import SAMPLE_RATE

Samples: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float32]]"

FACTOR = 3
# The low-pass between telephony's band, which ends at 3,400 Hz, and the 4,000 Hz that 8 kHz can hold; at 24 kHz.
CUTOFF_HZ = 3_700
AHEAD = 48  # samples that the filter looks ahead, and as many back
TAPS = 2 * AHEAD + 1


def _build_low_pass() -> Samples:
    place = np.arange(TAPS) - AHEAD
    taps = np.sinc(place * 2 * CUTOFF_HZ / SAMPLE_RATE) * np.cos(np.pi * place / (TAPS + 1)) ** 2
    return np.asarray(taps / taps.sum(), dtype=np.float32)


def _build_mu_levels() -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    code = ~np.arange(256) & 0xFF
    size = (((code & 0x0F) << 3) + 132 << ((code & 0x70) >> 4)) - 132
    return np.asarray(np.where(code & 0x80, -size, size), dtype=np.int16)


def _build_a_levels() -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    code = np.arange(256) ^ 0x55
    segment = (code & 0x70) >> 4
    size = ((code & 0x0F) << 4) + 8 + np.where(segment, 256, 0) << np.maximum(segment - 1, 0)
    return np.asarray(np.where(code & 0x80, size, -size), dtype=np.int16)


class Law:
    """A companding law as two tables.

    `levels[byte]` is the sample that a byte stands for; `codes[sample]`, with the sample as uint16, is the byte of the
    nearest level.
    """

    def __init__(self, levels: "np.ndarray[tuple[int], np.dtype[np.int16]]") -> None:
        self.levels = levels
        order = np.argsort(levels, kind="stable")
        ascending = levels[order].astype(np.int32)
        borders = (ascending[1:] + ascending[:-1]) / 2
        every = np.arange(65_536, dtype=np.uint16).view(np.int16)
        # side="right" picks the usual one of the two zeros of the µ-law, 0xFF.
        self.codes = order[np.searchsorted(borders, every, side="right")].astype(np.uint8)


MU_LAW, A_LAW = Law(_build_mu_levels()), Law(_build_a_levels())
_LOW_PASS = _build_low_pass()
# The filter in three phases: of each 3 output samples the first is made with the taps 0, 3, 6 …, and so on.
_PHASES = np.ascontiguousarray(np.pad(_LOW_PASS, (0, 2)).reshape(-1, FACTOR)[::-1] * FACTOR)
_ROWS = len(_PHASES)


class Decoder:
    """Decodes a stream of G.711 to PCM, signed 16 bit, 24 kHz."""

    def __init__(self, law: Law) -> None:
        self._law = law
        self._before = np.zeros(_ROWS - 1, dtype=np.float32)
        self._early = AHEAD  # output samples to drop: they come from the filter's start, not from the audio

    def decode(self, data: bytes) -> bytes:
        """Return the PCM of the stream so far, except for the last 2 ms, which depend on what follows."""
        return self._upsample(self._law.levels[np.frombuffer(data, np.uint8)].astype(np.float32))

    def flush(self) -> bytes:
        """Return the last 2 ms as PCM. Nothing may be decoded after that."""
        return self._upsample(np.zeros(AHEAD // FACTOR, dtype=np.float32))

    def _upsample(self, samples: Samples) -> bytes:
        known = np.concatenate((self._before, samples))
        self._before = known[len(known) - (_ROWS - 1) :]
        if not len(samples):
            return b""
        wide = (np.lib.stride_tricks.sliding_window_view(known, _ROWS) @ _PHASES).ravel()
        early, self._early = self._early, max(0, self._early - len(wide))
        return _to_pcm(wide[early:])


class Encoder:
    """Encodes a stream of PCM, signed 16 bit, 24 kHz, to G.711."""

    def __init__(self, law: Law) -> None:
        self._law = law
        self._known = np.zeros(AHEAD, dtype=np.float32)

    def encode(self, pcm: bytes) -> bytes:
        """Return the G.711 of the stream so far, except for the last 2 ms, which depend on what follows."""
        return self._downsample(np.frombuffer(pcm, np.int16).astype(np.float32))

    def flush(self) -> bytes:
        """Return the last 2 ms as G.711. Nothing may be encoded after that."""
        return self._downsample(np.zeros(AHEAD, dtype=np.float32))

    def _downsample(self, samples: Samples) -> bytes:
        known = np.concatenate((self._known, samples))
        count = max(0, (len(known) - TAPS) // FACTOR + 1)
        self._known = known[count * FACTOR :]
        if not count:
            return b""
        narrow = np.lib.stride_tricks.sliding_window_view(known, TAPS)[::FACTOR] @ _LOW_PASS
        return self._law.codes[np.frombuffer(_to_pcm(narrow), np.uint16)].tobytes()


def _to_pcm(samples: Samples) -> bytes:
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16).tobytes()
