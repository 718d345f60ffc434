"""Audio arithmetic. PCM here is signed 16 bit little-endian, mono, 24,000 samples a second."""

SAMPLE_RATE = 24_000
SAMPLE_BYTES = 2
SAMPLES_PER_MS = SAMPLE_RATE // 1000
BYTES_PER_MS = SAMPLES_PER_MS * SAMPLE_BYTES


def samples_in(pcm: bytes | bytearray) -> int:
    return len(pcm) // SAMPLE_BYTES


def ms_of(samples: int) -> int:
    """Whole milliseconds, rounded down: a time never lies beyond the audio it names."""
    return samples // SAMPLES_PER_MS


def samples_of(ms: int) -> int:
    return ms * SAMPLES_PER_MS
