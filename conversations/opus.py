"""PCM to Ogg Opus and back, for storage: 24 kHz mono, about 5 kB a second.

Sync, and free of the interpreter lock while it works: call it in a thread. A second of speech takes about
2 ms to encode and 2 ms to decode on one core.
"""

import io
from threading import Lock

import av
import numpy as np

SAMPLE_RATE = 24_000
BITS_PER_SEC = "24k"
# Every second that anybody says or hears is encoded. "voip" models a throat, and costs three times as much for the same
# nearness to the original; so does a higher complexity (libopus has up to 10) by a fifth a step.
APPLICATION, COMPLEXITY = "audio", "1"


class Encoding:
    """One Ogg Opus file, from any thread. What is known of the sound early can be encoded early."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._file = io.BytesIO()
        self._container: av.container.OutputContainer | None = None
        self._encoded_bytes = 0
        self._ogg = b""

    def feed(self, pcm24k: bytes) -> None:
        """The sound so far, from its beginning: encodes what of it is new. Nothing once the file is finished."""
        with self._lock:
            if not self._ogg:
                self._feed(pcm24k)

    def finish(self, pcm24k: bytes) -> bytes:
        """The file of the whole sound (PCM, signed 16 bit little-endian, mono, 24,000 Hz); the same if asked again.

        Raises ValueError for no sound at all, or half a sample.
        """
        with self._lock:
            if not self._ogg:
                self._feed(pcm24k)
                if self._container is None:
                    raise ValueError("There is no sound to encode.")
                with self._container as container:
                    container.mux(self._stream.encode(None))
                self._ogg = self._file.getvalue()
            return self._ogg

    def _feed(self, pcm24k: bytes) -> None:
        samples = np.frombuffer(pcm24k, dtype="<i2")[self._encoded_bytes // 2 :]
        if not samples.size:
            return
        if self._container is None:
            self._container = av.open(self._file, "w", format="ogg")
            options = {"b": BITS_PER_SEC, "application": APPLICATION, "compression_level": COMPLEXITY}
            self._stream = self._container.add_stream("libopus", rate=SAMPLE_RATE, layout="mono", options=options)
        self._container.mux(self._stream.encode(_frame(samples)))
        self._encoded_bytes = len(pcm24k)


def encode(pcm24k: bytes) -> bytes:
    """As `Encoding.finish`."""
    return Encoding().finish(pcm24k)


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
