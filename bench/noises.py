"""What must not stop the assistant: coughs, knocks, hisses and hums, made by rule, at 24 kHz."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench.marks import Samples

RATE = 24_000
Signal = NDArray[np.float64]


def make_noises() -> Iterator[tuple[str, Samples]]:
    """Yield the name and the samples of each noise, always the same ones."""
    for seed in range(4):
        yield f"cough {seed + 1}", _set_loudness(_make_cough(seed), 6_000)
    for seed in range(2):
        yield f"throat cleared {seed + 1}", _set_loudness(_make_throat_clearing(seed), 3_500)
    for seed in range(3):
        yield f"door {seed + 1}", _set_loudness(_make_thud(seed), 9_000)
    for seed in range(2):
        yield f"keyboard {seed + 1}", _set_loudness(_make_typing(seed), 2_500)
    yield "hiss", _set_loudness(_filter_band(_make_white_noise(1.5, 1), 300, 8_000), 800)
    yield "fan", _set_loudness(_filter_band(_make_white_noise(2.0, 2), 60, 900), 1_500)
    yield "chair", _set_loudness(_make_creak(), 2_500)


def _set_loudness(signal: Signal, rms: float) -> Samples:
    strong = signal[np.abs(signal) > 0.1 * np.abs(signal).max()]
    return np.asarray(np.clip(signal * rms / np.sqrt((strong**2).mean()), -32_000, 32_000), np.int16)


def _make_white_noise(seconds: float, seed: int) -> Signal:
    return np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def _filter_band(signal: Signal, low_hz: float, high_hz: float) -> Signal:
    spectrum = np.fft.rfft(signal)
    frequencies = np.fft.rfftfreq(len(signal), 1 / RATE)
    return np.fft.irfft(spectrum * ((frequencies > low_hz) & (frequencies < high_hz)), len(signal))


def _make_decay(seconds: float, attack_ms: float, fall_ms: float) -> Signal:
    time_ms = np.arange(round(seconds * RATE)) * 1000 / RATE
    return np.minimum(1, time_ms / attack_ms) * np.exp(-time_ms / fall_ms)


def _make_cough(seed: int) -> Signal:
    """Return one to three bursts of breath through an open throat: noise with its energy from 300 to 3,000 Hz."""
    bursts = [
        _filter_band(_make_white_noise(0.32, seed * 10 + burst), 300, 2_200 + 400 * seed) * _make_decay(0.32, 8, 70)
        for burst in range(1 + seed % 3)
    ]
    return np.concatenate(bursts)


def _make_throat_clearing(seed: int) -> Signal:
    rough = np.sign(np.sin(2 * np.pi * (28 + 9 * seed) * np.arange(round(0.5 * RATE)) / RATE)) * 0.5 + 0.7
    return _filter_band(_make_white_noise(0.5, 40 + seed), 150, 1_200) * rough * _make_decay(0.5, 40, 260)


def _make_thud(seed: int) -> Signal:
    return _filter_band(_make_white_noise(0.6, 60 + seed), 40, 350 + 250 * seed) * _make_decay(0.6, 2, 60 + 30 * seed)


def _make_typing(seed: int) -> Signal:
    taps = [
        _filter_band(_make_white_noise(0.14, 80 + seed * 10 + tap), 1_500, 9_000) * _make_decay(0.14, 1, 9)
        for tap in range(9)
    ]
    return np.concatenate(taps)


def _make_creak() -> Signal:
    time_sec = np.arange(round(0.8 * RATE)) / RATE
    sweep = np.sin(2 * np.pi * (400 + 500 * time_sec) * time_sec) * (np.sin(2 * np.pi * 31 * time_sec) > 0)
    return np.asarray((sweep + 0.3 * _make_white_noise(0.8, 99)) * np.sin(np.pi * time_sec / 0.8))


def make_mhm(seed: int) -> Samples:
    """Return two syllables hummed with closed lips: low harmonics, the second syllable higher."""
    time_sec = np.arange(round(0.22 * RATE)) / RATE
    syllables = []
    for pitch_hz in (115 + 70 * seed, 140 + 85 * seed):
        hum = sum((np.sin(2 * np.pi * pitch_hz * n * time_sec) / n**1.5 for n in range(1, 5)), np.zeros(len(time_sec)))
        syllables += [hum * np.sin(np.pi * time_sec / 0.22) ** 0.5, np.zeros(round(0.06 * RATE))]
    return _set_loudness(np.concatenate(syllables), 2_500)
