"""PCM to Ogg Opus and back, for storage: 24 kHz mono, about 5 kB a second.

Sync, and free of the interpreter lock while it works: call it in a thread. A second of speech takes about
2 ms to encode and 2 ms to decode on one core.
"""

import io

import av
import numpy as np

SAMPLE_RATE = 24_000
BITS_PER_SEC = "24k"
# Every second that anybody says or hears is encoded. "voip" models a throat, and costs three times as much for the same
# nearness to the original; so does a higher complexity (libopus has up to 10) by a fifth a step.
APPLICATION, COMPLEXITY = "audio", "1"


def encode(pcm24k: bytes) -> bytes:
    """PCM (signed 16 bit little-endian, mono, 24,000 Hz) to an Ogg Opus file.

    Raises ValueError for no sound at all, or half a sample.
    """
    samples = np.frombuffer(pcm24k, dtype="<i2")
    if not samples.size:
        raise ValueError("There is no sound to encode.")
    ogg = io.BytesIO()
    options = {"b": BITS_PER_SEC, "application": APPLICATION, "compression_level": COMPLEXITY}
    with av.open(ogg, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=SAMPLE_RATE, layout="mono", options=options)
        container.mux(stream.encode(_frame(samples)))
        container.mux(stream.encode(None))
    return ogg.getvalue()


def decode(ogg: bytes) -> bytes:
    """The PCM of an Ogg Opus file: as long as what was encoded, under a second up to 6.5 ms longer.

    (FFmpeg does not trim the encoder's look-ahead off the end of a file that is a single Ogg page.)
    Raises `av.error.FFmpegError` (a ValueError too, when the data are bad) for what is not one.
    """
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    with av.open(io.BytesIO(ogg), "r") as container:
        frames = [*container.decode(audio=0), None]  # None flushes what the resampler still holds
        return b"".join(out.to_ndarray().tobytes() for frame in frames for out in resampler.resample(frame))


def _frame(samples: np.ndarray[tuple[int], np.dtype[np.int16]]) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = SAMPLE_RATE
    return frame
