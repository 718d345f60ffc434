"""Ogg Opus, in which clips are stored: 24 kHz, mono, about 5 kB a second.

The functions block, and release the interpreter lock while they work, so call them in a thread. A second of speech
takes about 2 ms to encode, and 2 ms to decode, on one core.
"""

import io
from collections import deque
from threading import Lock

import av
import numpy as np

from conversations.pcm import SAMPLE_RATE

BITS_PER_SEC = "24k"
# All audio of all sessions is encoded, so it must be cheap. The application "voip", which models the vocal tract, costs
# three times as much for the same quality; each step of complexity (libopus has up to 10) costs a fifth more.
APPLICATION, COMPLEXITY = "audio", "1"


class Encoding:
    """One Ogg Opus file in the making. Any thread may put audio in, and any thread may encode it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: deque[bytes] = deque()
        self._file = io.BytesIO()
        self._container: av.container.OutputContainer | None = None
        self._ogg = b""

    def put(self, pcm24k: bytes) -> None:
        """Add PCM (signed 16 bit little-endian, mono, 24,000 Hz) to be encoded later; it costs next to nothing."""
        self._waiting.append(pcm24k)

    def encode(self) -> None:
        """Encode what was put in since; do nothing once the file is finished."""
        while self._waiting:
            with self._lock:  # taken for each piece, so that `finish` waits for one piece at most
                if self._waiting:
                    self._encode(self._waiting.popleft())

    def finish(self, pcm24k: bytes = b"") -> bytes:
        """Return the whole file, with `pcm24k` as its last audio. A second call returns the same file.

        Raise ValueError if there is no audio at all, or half a sample.
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
    """Return PCM as an Ogg Opus file. Raise ValueError if there is no audio, or half a sample."""
    return Encoding().finish(pcm24k)


def decode(ogg: bytes) -> bytes:
    """Return the PCM of an Ogg Opus file, as long as the audio that was encoded.

    Clips of less than a second come out up to 6.5 ms longer: FFmpeg does not trim the encoder's look-ahead off a file
    that is a single Ogg page. Raise `av.error.FFmpegError` (for bad data a ValueError too) for other files.
    """
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    with av.open(io.BytesIO(ogg), "r") as container:
        frames = [*container.decode(audio=0), None]  # None flushes what the resampler still holds
        return b"".join(out.to_ndarray().tobytes() for frame in frames for out in resampler.resample(frame))


def _build_frame(samples: np.ndarray[tuple[int], np.dtype[np.int16]]) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = SAMPLE_RATE
    return frame
