"""Convert samples of any format to the PCM of this site, and notice data that is not audio."""

from typing import Any

import numpy as np

from conversations.engines.sound_formats import SampleFormat, UnusableAudioError
from conversations.pcm import SAMPLE_BYTES, SAMPLE_RATE

# Compressed data read as samples is as loud as can be, and its samples are unrelated. Speech never is: loud sounds are
# voiced, with neighbouring samples alike, and hissing sounds are soft.
WINDOW = 512  # samples
NOISE_LOUDNESS = 0.45  # root mean square, of full scale; random bytes have 0.58
NOISE_LIKENESS = 0.25  # correlation of neighbouring samples, positive or negative
CHECKED_SAMPLES = WINDOW * 24  # half a second
BLOCK_BYTES = 4_096  # converted at a time, at least: the cost of a call is the same for less

Samples = np.ndarray[Any, np.dtype[np.float64]]


class PcmConverter:
    """Converts a stream of samples of any format to PCM.

    If `is_checked`, the samples may be other data, and UnusableAudioError is raised when they turn out to be noise.
    """

    def __init__(self, given: SampleFormat, *, is_checked: bool = False) -> None:
        self._given = given
        self._left = given.length
        self._rest = b""
        self._to_check = CHECKED_SAMPLES if is_checked else 0
        self._unchecked = bytearray()
        self._resampler = _build_resampler(given.rate)
        self._is_ours = (given.coding, given.rate, given.channels) == ("s16le", SAMPLE_RATE, 1)

    def feed(self, data: bytes) -> bytes:
        """Add data, and return the PCM that is ready."""
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        data, self._rest = self._rest + data, b""
        if not self._is_ours and len(data) < BLOCK_BYTES:
            self._rest = data
            return b""
        return self._convert_whole_frames(data)

    def _convert_whole_frames(self, data: bytes) -> bytes:
        frame = _get_sample_bytes(self._given.coding) * self._given.channels
        end = len(data) - len(data) % frame
        data, self._rest = data[:end], data[end:]
        if not data:
            return b""
        if self._is_ours:
            self._check_for_noise(data)
            return data
        return self._convert(data)

    def finish(self) -> bytes:
        """Return the last PCM. Half a sample at the end is dropped."""
        rest = self._convert_whole_frames(self._rest)
        if self._resampler is None:
            return rest
        return rest + _encode_pcm(self._resampler.resample_chunk(np.zeros(0), last=True))

    def _convert(self, data: bytes) -> bytes:
        samples = _decode_samples(data, self._given.coding)
        if self._given.channels > 1:
            samples = samples.reshape(-1, self._given.channels).mean(axis=1)
        self._check_for_noise(_encode_pcm(samples))
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples)
        return _encode_pcm(samples)

    def _check_for_noise(self, pcm: bytes) -> None:
        if self._to_check <= 0:
            return
        self._unchecked += pcm
        samples = np.frombuffer(bytes(self._unchecked), "<i2")
        whole = min(len(samples), self._to_check) // WINDOW
        for window in samples[: whole * WINDOW].reshape(-1, WINDOW).astype(np.float64) / 32_768:
            if _is_noise(window):
                raise UnusableAudioError("noise, as of compressed or encrypted data")
        del self._unchecked[: whole * WINDOW * SAMPLE_BYTES]
        self._to_check -= whole * WINDOW


def _is_noise(samples: Samples) -> bool:
    power = float(samples @ samples)
    if power < NOISE_LOUDNESS**2 * len(samples):
        return False
    return abs(float(samples[1:] @ samples[:-1])) < NOISE_LIKENESS * power


def _decode_samples(data: bytes, coding: str) -> Samples:
    """Return samples between -1 and 1."""
    match coding:
        case "mulaw" | "alaw":
            from conversations.audio.g711 import A_LAW, MU_LAW

            levels = (MU_LAW if coding == "mulaw" else A_LAW).levels
            return levels[np.frombuffer(data, np.uint8)].astype(np.float64) / 32_768
        case "u8":
            return (np.frombuffer(data, np.uint8).astype(np.float64) - 128) / 128
        case "s24le":
            wide = np.zeros((len(data) // 3, 4), np.uint8)
            wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
            return wide.view("<i4").ravel().astype(np.float64) / 2**31
        case "f32le" | "f64le":
            return np.nan_to_num(
                np.frombuffer(data, f"<f{_get_sample_bytes(coding)}").astype(np.float64), posinf=0.0, neginf=0.0
            )
    kinds = {"s16le": "<i2", "s16be": ">i2", "s32le": "<i4"}
    return np.frombuffer(data, kinds[coding]).astype(np.float64) / 2.0 ** (8 * _get_sample_bytes(coding) - 1)


def _get_sample_bytes(coding: str) -> int:
    return {"u8": 1, "mulaw": 1, "alaw": 1, "s24le": 3, "s32le": 4, "f32le": 4, "f64le": 8}.get(coding, 2)


def _encode_pcm(samples: Samples) -> bytes:
    return np.clip(np.rint(samples * 32_768), -32_768, 32_767).astype("<i2").tobytes()


def _build_resampler(rate: int) -> Any:
    if rate == SAMPLE_RATE:
        return None
    import soxr

    return soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float64")
