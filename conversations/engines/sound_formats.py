"""Recognise what an answer holds by its first bytes, whatever its type says: an audio format, other data, or text."""

import codecs
import struct
from dataclasses import dataclass

from conversations.pcm import SAMPLE_RATE

HEAD_BYTES = 1_024  # enough to recognise a format; the first piece of an answer usually has more
MAX_HEADER_BYTES = 64_000  # of a WAV file, before its audio
RATES = range(4_000, 192_001)
MAX_CHANNELS = 8
TEXT_BYTES = 64
OPEN_ENDED = (
    0,
    0x7FFF_FFFF,
)  # lengths that WAV files have in their header when they are streamed: 0, or at least so much

MAGIC = {
    b"ID3": "MP3", b"OggS": "Ogg", b"fLaC": "FLAC", b"FORM": "AIFF", b"caff": "CAF", b".snd": "AU", b"#!AMR": "AMR",
    b"\x1aE\xdf\xa3": "WebM", b"RIFX": "RIFX", b"RF64": "RF64", b"PK\x03\x04": "a ZIP file",
    b"\x1f\x8b\x08\0": "a gzip file", b"\x89PNG": "a picture", b"\xff\xd8\xff\xe0": "a picture",
    b"GIF8": "a picture", b"%PDF": "a PDF file",
}  # fmt: skip
# MPEG audio: kbit/s by (version, layer), where (2, 3) stands for all but version 1; and sample rates of version 1.
BITRATES = {
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
MPEG_RATES = (44_100, 48_000, 32_000)


class UnusableAudioError(Exception):
    """The data is not audio that can be played. `what` says what it is, in words that can follow “but”."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@dataclass(frozen=True, slots=True)
class SampleFormat:
    """How samples are coded, and where they are in the data."""

    coding: str = "s16le"  # s16be, u8, s24le, s32le, f32le, f64le, mulaw, alaw
    rate: int = SAMPLE_RATE
    channels: int = 1
    start: int = 0  # bytes before the samples
    length: int | None = None  # of the samples in bytes, if the header tells it


def detect_format(head: bytes) -> str:
    """Return the name of the format that begins like this; "" for what may be bare samples."""
    for magic, name in MAGIC.items():
        if head.startswith(magic):
            return name
    if head[4:8] == b"ftyp":
        return "MP4"
    return _detect_mpeg(head)


def count_needed_bytes(head: bytes) -> int:
    """Return how many bytes tell MPEG audio from samples: one frame and the next header, if it looks like MPEG."""
    return max(_measure_mp3_frame(head) + 4, _measure_aac_frame(head) + 2)


def is_text(head: bytes) -> bool:
    """Return whether the data begins as text. Samples do not: they hold zeros and bytes that are no characters."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head[:TEXT_BYTES].removeprefix(codecs.BOM_UTF8))
    except UnicodeDecodeError:
        return False
    return bool(text) and all(character.isprintable() or character in "\t\r\n" for character in text)


def parse_wav_header(head: bytes) -> SampleFormat | int:
    """Return the format of a WAV file, or how many bytes of it are needed to tell. Raise UnusableAudioError."""
    place, found = 12, None
    while len(head) >= place + 8:
        name, size = struct.unpack_from("<4sI", head, place)
        place += 8
        if name == b"data":
            if found is None:
                raise UnusableAudioError("a WAV file without a format")
            length = size if OPEN_ENDED[0] < size < OPEN_ENDED[1] else None
            return SampleFormat(found.coding, found.rate, found.channels, place, length)
        if place + size > MAX_HEADER_BYTES:
            raise UnusableAudioError("a broken WAV file")
        if name == b"fmt " and len(head) >= place + size:
            found = _parse_wav_format(head[place : place + size])
        place += size + size % 2
    return place + 8


def _parse_wav_format(chunk: bytes) -> SampleFormat:
    if len(chunk) < 16:
        raise UnusableAudioError("a broken WAV file")
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag == 0xFFFE and len(chunk) >= 26:
        tag = struct.unpack_from("<H", chunk, 24)[0]
    codings = {(1, 8): "u8", (1, 16): "s16le", (1, 24): "s24le", (1, 32): "s32le", (3, 32): "f32le", (3, 64): "f64le",
               (6, 8): "alaw", (7, 8): "mulaw"}  # fmt: skip
    if (tag, bits) not in codings or rate not in RATES or not 1 <= channels <= MAX_CHANNELS:
        raise UnusableAudioError(f"a WAV file in a format that is not known here (code {tag}, {bits} bits, {rate} Hz)")
    return SampleFormat(codings[tag, bits], rate, channels)


def _detect_mpeg(head: bytes) -> str:
    """Return MP3 or AAC for two frames in a row, else "": bare samples may begin like one frame by chance."""
    length = _measure_mp3_frame(head)
    if length and head[length : length + 1] == b"\xff" and _measure_mp3_frame(head[length:]):
        return "MP3"
    length = _measure_aac_frame(head)
    return "AAC" if length and head[length : length + 2] == head[:2] else ""


def _measure_aac_frame(head: bytes) -> int:
    """Return the length in bytes of the ADTS frame of AAC that begins here; 0 if none does."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return 0
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return length if length > 7 else 0


def _measure_mp3_frame(head: bytes) -> int:
    """Return the length in bytes of the MP3 frame that begins here; 0 if none does."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version = {3: 1, 2: 2, 0: 4}.get(head[1] >> 3 & 3, 0)  # 1, 2 and 2.5: what the rate is divided by
    layer, bitrate, rate = 4 - (head[1] >> 1 & 3), head[2] >> 4, head[2] >> 2 & 3
    if not version or layer not in (2, 3) or bitrate in (0, 15) or rate == 3:
        return 0
    kbit = BITRATES[(1, layer) if version == 1 else (2, 3)][bitrate - 1]
    samples = 72 if layer == 3 and version > 1 else 144
    return samples * kbit * 1_000 * version // MPEG_RATES[rate] + (head[2] >> 1 & 1)
