"""Decode one sound file from standard input to PCM on standard output: 24,000 Hz, mono, signed 16 bit little-endian.

It is a process of its own (`uploads` starts it), since uploads of strangers may be made to do harm: an MP4 of 700 bytes
can claim so many samples that FFmpeg fills gigabytes with their index. The system bounds the memory and the time of
this process, and a crash is just another file that cannot be read. It starts in 0.1 s: it imports no Django, no numpy.

Usage: python decoder_process.py MAX_SEC. The exit status is an `Outcome`.
"""

import resource
import sys
from array import array
from collections.abc import Iterator
from enum import IntEnum
from io import BytesIO
from operator import mul

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream

# As in `conversations.pcm`, which this process does not load; a test holds the two together.
SAMPLE_RATE = 24_000
SAMPLE_BYTES = 2
MAX_MEMORY_BYTES = 384 * 1024 * 1024  # of address space: 120 MB are libraries
MAX_CPU_SEC = 10  # two minutes of any codec below take less than one
# Playlists, slide shows and their like would have FFmpeg read other files of this machine, or call other hosts.
CONTAINERS = "wav,flac,mp3,ogg,matroska,webm,mov,mp4,m4a,aac,aiff"
# Video and pictures in the file are not decoded. "pcm_" stands for all codecs whose names begin so.
CODECS = ("pcm_", "flac", "alac", "mp3", "mp3float", "opus", "vorbis", "aac")
RATES = range(4_000, 384_001)  # Hz; at lower rates a few bytes would become minutes


# Channels in opposite phase, as from a balanced microphone wired as stereo, cancel out when they are mixed.
CANCELLED_SHARE = 1 / 30  # of the power of the loudest channel; the mean of unlike channels has a quarter of it
POWER_STEP = 4  # power is measured on every fourth sample


class Outcome(IntEnum):
    """What became of the file: the exit status of this process."""

    DONE = 0
    NO_SOUND_FILE = 65  # sysexits.h: data of the wrong kind
    NO_AUDIO = 66
    TOO_LONG = 67


class UnusableFileError(Exception):
    """The file cannot be used; `outcome` says why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.name)
        self.outcome = outcome


class Resampling:
    """Converts frames of any shape to PCM. The shape may change on the way, since files may be chained."""

    def __init__(self) -> None:
        self._shape: tuple[str, str, int] | None = None
        self._resampler: AudioResampler | None = None
        self._mixer: AudioResampler | None = None  # of several channels

    def feed(self, frame: AudioFrame) -> Iterator[bytes]:
        """Yield the PCM of a frame, as far as the resampler gives it out."""
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._shape:
            yield from self.flush()
            self._shape = shape
        if self._resampler is None:
            self._resampler = AudioResampler(format="s16", layout=frame.layout, rate=SAMPLE_RATE)
            self._mixer = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
        frame.pts = None  # gaps are not filled
        for resampled in self._resampler.resample(frame):
            yield from self._mix(resampled)

    def flush(self) -> Iterator[bytes]:
        """Yield the PCM that the resampler still holds."""
        resampler, self._resampler = self._resampler, None
        for resampled in resampler.resample(None) if resampler else ():
            yield from self._mix(resampled)

    def _mix(self, frame: AudioFrame) -> Iterator[bytes]:
        """Yield the mean of the channels, or the loudest of them where they cancel each other out."""
        count = frame.layout.nb_channels
        samples = array("h", bytes(frame.planes[0])[: frame.samples * count * SAMPLE_BYTES])
        if count == 1 or self._mixer is None:
            yield samples.tobytes()
            return
        frame.pts = None
        mixed = b"".join(bytes(one.planes[0])[: one.samples * SAMPLE_BYTES] for one in self._mixer.resample(frame))
        loudest = max((samples[channel::count] for channel in range(count)), key=_measure_power)
        is_cancelled = _measure_power(array("h", mixed)) < CANCELLED_SHARE * _measure_power(loudest)
        yield loudest.tobytes() if is_cancelled else mixed


def _measure_power(samples: "array[int]") -> int:
    some = samples[::POWER_STEP]
    return sum(map(mul, some, some))


def decode_pcm(data: bytes, max_sec: float) -> Iterator[bytes]:
    """Yield the first audio stream of a file as PCM, piece by piece.

    Raise UnusableFileError, or `av.FFmpegError` for what is not a sound file.
    """
    options = {"format_whitelist": CONTAINERS, "codec_whitelist": _list_codecs(), "protocol_whitelist": "none"}
    with av.open(BytesIO(data), "r", options=options) as container:
        if not container.streams.audio:
            raise UnusableFileError(Outcome.NO_AUDIO)
        # The container's list of codecs holds only while it probes the file; the codec is opened with its own options.
        container.streams.audio[0].codec_context.options = {"codec_whitelist": _list_codecs()}
        resampling, left_sec = Resampling(), max_sec
        for frame in _decode_frames(container, container.streams.audio[0]):
            if frame.sample_rate not in RATES:
                raise UnusableFileError(Outcome.NO_SOUND_FILE)
            left_sec -= frame.samples / frame.sample_rate
            if left_sec < 0:  # checked before the frame is resampled to 24,000 Hz
                raise UnusableFileError(Outcome.TOO_LONG)
            yield from resampling.feed(frame)
        yield from resampling.flush()


def _list_codecs() -> str:
    return ",".join(name for name in av.codecs_available if name in CODECS or name.startswith("pcm_"))


def _decode_frames(container: av.container.InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """Yield the decoded frames. Damaged packets are skipped, as players do.

    Raise UnusableFileError if no frame could be decoded.
    """
    data_bytes, has_frames = 0, False
    for packet in container.demux(stream):
        data_bytes += packet.size
        try:
            for frame in packet.decode():
                has_frames = True
                yield frame
        except av.InvalidDataError:
            continue
    if not has_frames:
        raise UnusableFileError(Outcome.NO_SOUND_FILE if data_bytes or stream.frames else Outcome.NO_AUDIO)


def main(max_sec: float) -> Outcome:
    """Decode standard input within bounds of memory and time, and return what became of it."""
    if sys.platform == "linux":  # elsewhere the address space cannot be bounded
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SEC, MAX_CPU_SEC))
    av.logging.set_level(None)
    try:
        for piece in decode_pcm(sys.stdin.buffer.read(), max_sec):
            sys.stdout.buffer.write(piece)
    except UnusableFileError as error:
        return error.outcome
    except (av.FFmpegError, ValueError, MemoryError):
        return Outcome.NO_SOUND_FILE
    sys.stdout.buffer.flush()
    return Outcome.DONE


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
