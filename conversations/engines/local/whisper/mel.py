"""Sound as Whisper reads it: a mel spectrogram, the loudness of 80 or 128 bands of pitch every 10 ms."""

from functools import cache

import numpy as np
import soxr
from numpy.typing import NDArray

from conversations.pcm import SAMPLE_RATE

RATE = 16_000  # Hz
HOP = 160  # samples between two frames
SPAN = 400  # samples of a frame
LONGEST_SEC = 28.0  # of speech in one window of 30 s, which its end has to show
SHORTEST_WINDOW_SEC = 12.0  # with a window below 10 s Whisper repeats words
MARGIN_SEC = 2.0
SEARCH_SEC = 8.0  # before LONGEST_SEC, where a quiet place to cut is looked for
QUIET_SEC = 0.2

Floats = NDArray[np.float32]


def read_pcm(pcm: bytes) -> Floats:
    """Return PCM as samples from -1 to 1 at 16 kHz."""
    whole = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.float32) / 32_768
    return np.asarray(soxr.resample(whole, SAMPLE_RATE, RATE), np.float32)


def cut_at_quiet(samples: Floats) -> list[Floats]:
    """Return pieces that fit into a window, cut at the quietest place of the last seconds that still fit."""
    pieces = []
    while len(samples) > LONGEST_SEC * RATE:
        at = find_quiet(samples)
        pieces.append(samples[:at])
        samples = samples[at:]
    return [*pieces, samples]


def find_quiet(samples: Floats) -> int:
    """Return the middle of the quietest place before LONGEST_SEC, in samples."""
    end, span = round(LONGEST_SEC * RATE), round(QUIET_SEC * RATE)
    begin = end - round(SEARCH_SEC * RATE)
    energy = np.cumsum(np.square(samples[begin:end], dtype=np.float64))
    return begin + int(np.argmin(energy[span:] - energy[:-span])) + span // 2


def compute_features(samples: Floats, bands: int) -> Floats:
    """Return the spectrogram of speech and the silence that fills its window: bands x frames, the first axis 1.

    The silence is less than the 30 s that Whisper was trained with: it costs as much as speech.
    """
    seconds = min(30.0, max(SHORTEST_WINDOW_SEC, len(samples) / RATE + MARGIN_SEC))
    frames = int(seconds * RATE / HOP) // 2 * 2  # the encoder takes two at a time
    padded = np.pad(samples, (0, max(0, frames * HOP - len(samples))))[: frames * HOP]
    around = np.pad(padded, SPAN // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(around, SPAN)[::HOP][:frames]
    power = np.abs(np.fft.rfft(windows * _get_hann_window(), axis=1)) ** 2
    mel = np.log10(np.maximum(power @ _build_filters(bands), 1e-10))
    scaled = (np.maximum(mel, mel.max() - 8.0) + 4.0) / 4.0
    return np.ascontiguousarray(scaled.T[np.newaxis], np.float32)


@cache
def _get_hann_window() -> Floats:
    return np.asarray(np.hanning(SPAN + 1)[:-1], np.float32)  # periodic


@cache
def _build_filters(bands: int) -> Floats:
    """Return triangles that are evenly spaced on Slaney's mel scale, each of the same area: frequencies x bands."""
    frequencies = np.fft.rfftfreq(SPAN, 1 / RATE)
    corners = _convert_to_hz(np.linspace(0.0, _convert_to_mel(RATE / 2), bands + 2))
    widths = np.diff(corners)
    distances = frequencies[:, np.newaxis] - corners
    rising, falling = distances[:, :-2] / widths[:-1], -distances[:, 2:] / widths[1:]
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)) * 2 / (corners[2:] - corners[:-2]), np.float32)


def _convert_to_mel(hz: float) -> float:
    """Return the pitch on Slaney's scale: linear up to 1,000 Hz, logarithmic from there."""
    return float(15 + np.log(hz / 1000) * 27 / np.log(6.4))


def _convert_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))
