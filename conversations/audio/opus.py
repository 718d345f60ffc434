"""PCM to Ogg Opus and back, for storage: 24 kHz mono, about 5 kB a second.

Sync, and free of the interpreter lock while it works: call it in a thread. A second of speech takes about
2 ms to encode and 2 ms to decode on one core.
"""

import io
from collections import deque
from threading import Lock

import av
import numpy as np

from conversations.pcm import SAMPLE_RATE

BITS_PER_SEC = "24k"
# Every second that anybody says or hears is encoded. "voip" models a throat, and costs three times as much for the same
# nearness to the original; so does a higher complexity (libopus has up to 10) by a fifth a step.
APPLICATION, COMPLEXITY = "audio", "1"


class Encoding:
    """One Ogg Opus file. Sound is put in as it comes, and encoded by whichever thread has the time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: deque[bytes] = deque()
        self._file = io.BytesIO()
        self._container: av.container.OutputContainer | None = None
        self._ogg = b""

    def put(self, pcm24k: bytes) -> None:
        """More sound: PCM, signed 16 bit little-endian, mono, 24,000 Hz. All but free."""
        self._waiting.append(pcm24k)

    def encode(self) -> None:
        """Encodes what waits; nothing once the file is finished."""
        while self._waiting:
            with self._lock:  # for each piece: who is to finish the file waits no longer than for one
                if self._waiting:
                    self._encode(self._waiting.popleft())

    def finish(self, pcm24k: bytes = b"") -> bytes:
        """The file, with this as the last of its sound; the same if asked again.

        Raises ValueError for no sound at all, or half a sample.
        """
        with self._lock:
            if not self._ogg:
                self._encode(b"".join((*self._waiting, pcm24k)))
                self._waiting.clear()
                if self._container is None:
                    raise ValueError("There is no sound to encode.")
                with self._container as container:
                    container.mux(self._stream.encode(None))
                self._ogg = self._file.getvalue()
            return self._ogg

    def _encode(self, pcm24k: bytes) -> None:
        samples = np.frombuffer(pcm24k, dtype="<i2")
        if not samples.size:
            return
        if self._container is None:
            self._container = av.open(self._file, "w", format="ogg")
            options = {"b": BITS_PER_SEC, "application": APPLICATION, "compression_level": COMPLEXITY}
            self._stream = self._container.add_stream("libopus", rate=SAMPLE_RATE, layout="mono", options=options)
        self._container.mux(self._stream.encode(_build_frame(samples)))


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


def _build_frame(samples: np.ndarray[tuple[int], np.dtype[np.int16]]) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = SAMPLE_RATE
    return frame
