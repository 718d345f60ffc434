"""Sound files as other programs write them, by FFmpeg's own encoders; and what they sound like."""

import io
from typing import Any, cast

import av
import numpy as np
from av.audio.stream import AudioStream

from conversations.pcm import SAMPLE_RATE

Samples = np.ndarray[Any, np.dtype[np.float64]]


def make_sound_file(pcm24k: bytes, container: str, codec: str, rate: int = 48_000, layout: str = "mono",
               bit_rate: int | None = None) -> bytes:  # fmt: skip
    """Return a file that has the sound in every channel of the layout."""
    file = io.BytesIO()
    source = av.AudioFrame.from_ndarray(np.frombuffer(pcm24k, "<i2").reshape(1, -1), format="s16", layout="mono")
    source.sample_rate = SAMPLE_RATE
    mono = av.AudioResampler(format="s16", layout="mono", rate=rate)
    samples = np.concatenate([out.to_ndarray()[0] for frame in (source, None) for out in mono.resample(frame)])
    channels = np.repeat(samples, av.AudioLayout(layout).nb_channels).reshape(1, -1)
    with av.open(file, "w", format=container) as muxer:
        stream = cast(AudioStream, muxer.add_stream(codec, rate=rate, layout=layout))
        if bit_rate is not None:
            stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(channels, format="s16", layout=layout)
        frame.sample_rate = rate
        for packet in (*stream.encode(frame), *stream.encode(None)):
            muxer.mux(packet)
    return file.getvalue()


def measure_likeness(pcm: bytes, original: bytes, most_shift_ms: int = 60) -> float:
    """Return 1 for the same sound and 0 for another, at the best of all shifts: encoders begin a little late."""
    heard, meant = (np.frombuffer(one, "<i2").astype(float) for one in (pcm, original))
    most = most_shift_ms * SAMPLE_RATE // 1000
    length = min(len(heard), len(meant)) - most
    return max(_compute_cosine(heard[shift : shift + length], meant[:length]) for shift in range(0, most, 6))


def _compute_cosine(one: Samples, other: Samples) -> float:
    size = min(len(one), len(other))
    one, other = one[:size], other[:size]
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other) + 1e-9))
