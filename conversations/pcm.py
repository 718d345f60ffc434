"""The audio format inside the site, and its arithmetic. It stands here once, and this module imports nothing.

PCM is signed 16 bit little-endian, mono, 24,000 samples a second, in the whole site: what a client, a provider or a
file has otherwise is converted where it comes in. That is the format of `audio/pcm` in OpenAI's Realtime protocol.
"""

SAMPLE_RATE = 24_000  # Hz
SAMPLE_BYTES = 2
SAMPLES_PER_MS = SAMPLE_RATE // 1000
BYTES_PER_MS = SAMPLES_PER_MS * SAMPLE_BYTES


def count_samples(pcm: bytes | bytearray) -> int:
    """Return how many whole samples `pcm` holds."""
    return len(pcm) // SAMPLE_BYTES


def measure_seconds(pcm: bytes | bytearray) -> float:
    """Return how long `pcm` plays, in seconds."""
    return len(pcm) / (SAMPLE_RATE * SAMPLE_BYTES)


def samples_to_ms(samples: int) -> int:
    """Return how long `samples` play, in whole milliseconds, rounded down: a time never lies beyond its audio."""
    return samples // SAMPLES_PER_MS


def ms_to_samples(ms: int) -> int:
    """Return how many samples play for `ms` milliseconds."""
    return ms * SAMPLES_PER_MS
