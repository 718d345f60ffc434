"""Speech as a file that is sent while it is still being made: PCM goes in piece by piece, the file's bytes come out.

The functions block: compressing a second of speech takes some 2 ms of one core, so call them in a thread.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast

import av
import numpy as np
from av.audio.stream import AudioStream

from conversations.pcm import SAMPLE_BYTES, SAMPLE_RATE

UNKNOWN_BYTES = 0xFFFFFFFF  # the length in the header of a WAV file that is streamed


class SpeechFile(Protocol):
    """A file in the making."""

    def put(self, pcm24k: bytes) -> bytes:
        """Add PCM (signed 16 bit little-endian, mono, 24,000 Hz), and return the next bytes of the file, if any."""
        ...

    def finish(self) -> bytes:
        """Return the last bytes of the file."""
        ...


@dataclass(slots=True)
class UncompressedFile:
    """PCM as it is, after a header."""

    header: bytes = b""

    def put(self, pcm24k: bytes) -> bytes:
        """Return the PCM as the file holds it."""
        header, self.header = self.header, b""
        return header + pcm24k

    def finish(self) -> bytes:
        """Return the end of the file."""
        return self.put(b"")


@dataclass(frozen=True, slots=True)
class Compression:
    """A container and a codec, with FFmpeg's names and options."""

    container: str
    codec: str
    bits_per_sec: str
    codec_options: Mapping[str, str] = field(default_factory=dict)
    container_options: Mapping[str, str] = field(default_factory=dict)


class _Pipe:
    """A file object for FFmpeg to write to. It cannot seek, as a pipe cannot."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken


class CompressedFile:
    """A compressed file, by FFmpeg."""

    def __init__(self, how: Compression) -> None:
        self._pipe = _Pipe()
        options = {"flush_packets": "1", **how.container_options}
        self._container = av.open(self._pipe, "w", format=how.container, container_options=options)
        codec_options = {"b": how.bits_per_sec, **how.codec_options}
        stream = self._container.add_stream(how.codec, rate=SAMPLE_RATE, layout="mono", options=codec_options)
        self._stream = cast(AudioStream, stream)

    def put(self, pcm24k: bytes) -> bytes:
        """Compress PCM, and return the bytes of the file that are ready."""
        samples = np.frombuffer(pcm24k, dtype="<i2")
        if samples.size:
            frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate = SAMPLE_RATE
            self._container.mux(self._stream.encode(frame))
        return self._pipe.take()

    def finish(self) -> bytes:
        """Return the end of the file."""
        with self._container as container:
            container.mux(self._stream.encode(None))
        return self._pipe.take()


# The duration of an Ogg page, in microseconds. Pages are written whole, so a shorter one is heard sooner.
OGG = Compression("ogg", "libopus", "32k", {"application": "audio"}, {"page_duration": "100000"})
# Without the headers that tell the length: it is not known yet, and a pipe cannot go back to write it.
MP3 = Compression("mp3", "libmp3lame", "64k", {}, {"write_xing": "0", "id3v2_version": "0"})


def build_wav_header() -> bytes:
    """Return the header of a WAV file of unknown length."""
    rate, width = SAMPLE_RATE, SAMPLE_BYTES
    shape = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * width, width, 8 * width)
    return struct.pack("<4sI4s", b"RIFF", UNKNOWN_BYTES, b"WAVE") + shape + struct.pack("<4sI", b"data", UNKNOWN_BYTES)


def open_speech_file(media_type: str) -> SpeechFile:
    """Return a file of this media type, or raise KeyError for one that is not in MEDIA_TYPES."""
    match media_type:
        case "audio/ogg":
            return CompressedFile(OGG)
        case "audio/mpeg":
            return CompressedFile(MP3)
        case "audio/wav":
            return UncompressedFile(build_wav_header())
        case "audio/pcm":
            return UncompressedFile()
    raise KeyError(media_type)


MEDIA_TYPES = {
    "audio/ogg": "audio/ogg; codecs=opus",
    "audio/mpeg": "audio/mpeg",
    "audio/wav": "audio/wav",
    "audio/pcm": f"audio/pcm; rate={SAMPLE_RATE}; channels=1",
}
"""The media types that are served, the preferred first, each with the Content-Type of the response."""
