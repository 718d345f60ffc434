"""Convert what a text-to-speech server answers to the PCM that was asked for, or refuse it.

Servers answer in formats of their own: WAV where bare samples were asked for, at 16 or 22 kHz, in two channels; MP3
under any name; an error as JSON, or as a web page. Played as samples, all of that is noise. So the format is told by
the bytes, and by the content type only if they do not show it.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from email.message import Message

import numpy as np

from conversations.engines.errors import EngineError, EngineErrors
from conversations.engines.pcm_converter import PcmConverter
from conversations.engines.sound_formats import (
    HEAD_BYTES,
    MAX_CHANNELS,
    MAX_HEADER_BYTES,
    RATES,
    TEXT_BYTES,
    SampleFormat,
    UnusableAudioError,
    count_needed_bytes,
    detect_format,
    is_text,
    parse_wav_header,
)
from conversations.pcm import SAMPLE_BYTES, SAMPLE_RATE

BARE = ("audio/pcm", "audio/x-pcm", "audio/l16", "audio/raw", "audio/x-raw")  # bare samples, as was asked for
LAWS = {"audio/basic": "mulaw", "audio/pcmu": "mulaw", "audio/pcma": "alaw"}  # telephony, 8,000 samples a second
OTHERS = ("text/", "audio/", "video/", "image/", "application/json", "application/problem", "application/xml")
MAX_TEXT_BYTES = 64_000


class TextAnswerError(Exception):
    """The answer is text instead of audio; `body` is its beginning."""

    def __init__(self, body: bytes) -> None:
        super().__init__("words in place of sound")
        self.body = body


class AnswerDecoder:
    """Decodes one answer to PCM.

    `feed` it the body as it arrives, then `finish`. Both return whole samples, and raise UnusableAudioError or
    TextAnswerError.
    """

    def __init__(self, content_type: str) -> None:
        self._type, self._parameters = _parse_content_type(content_type)
        self._head = bytearray()
        self._is_text = False
        self._has_sound = False  # whether there was any byte other than zero
        self._wanted = HEAD_BYTES
        self._pcm: PcmConverter | None = None

    def feed(self, data: bytes) -> bytes:
        """Add a piece of the body, and return the PCM that is ready."""
        if self._pcm is not None:
            return self._pcm.feed(data)
        self._head += data
        self._has_sound = self._has_sound or any(data)
        self._is_text = self._is_text or (len(self._head) >= TEXT_BYTES and is_text(bytes(self._head[:TEXT_BYTES])))
        if self._is_text and len(self._head) > MAX_TEXT_BYTES:
            raise TextAnswerError(bytes(self._head))
        if self._is_text:
            return b""
        return self._begin_conversion() if self._has_enough() else b""

    def finish(self) -> bytes:
        """Return the last PCM when the body has ended."""
        if self._pcm is None and is_text(bytes(self._head[:TEXT_BYTES])):
            raise TextAnswerError(bytes(self._head))
        begun = b"" if self._pcm is not None or not self._head else self._begin_conversion(is_whole=True)
        return begun + (self._pcm.finish() if self._pcm is not None else b"")

    def _has_enough(self) -> bool:
        if self._type == "audio/l16" and not self._has_sound:
            return len(self._head) > MAX_HEADER_BYTES  # silence does not show its byte order
        return len(self._head) >= max(self._wanted, count_needed_bytes(bytes(self._head[:8])))

    def _begin_conversion(self, *, is_whole: bool = False) -> bytes:
        head = bytes(self._head)
        if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
            found = parse_wav_header(head)
            if isinstance(found, int):
                if is_whole:
                    raise UnusableAudioError("a broken WAV file")
                self._wanted = found
                return b""
            self._pcm = PcmConverter(found)
            return self._pcm.feed(head[found.start :])
        if name := detect_format(head):
            raise UnusableAudioError(name)
        self._pcm = PcmConverter(self._guess_format(head), is_checked=True)
        return self._pcm.feed(head)

    def _guess_format(self, head: bytes) -> SampleFormat:
        """Return the format of samples without a header, by their content type. Raise UnusableAudioError."""
        if self._type not in BARE and self._type not in LAWS and self._type.startswith(OTHERS):
            raise UnusableAudioError(self._type)
        law = LAWS.get(self._type, "")
        rate = _parse_number(self._parameters.get("rate"), 8_000 if law else SAMPLE_RATE)
        channels = _parse_number(self._parameters.get("channels"), 1)
        if rate not in RATES or not 1 <= channels <= MAX_CHANNELS:
            raise UnusableAudioError(f"{self._type} at {rate} Hz in {channels} channels")
        order = "s16be" if self._type == "audio/l16" and _is_big_endian(head) else "s16le"
        return SampleFormat(law or order, rate, channels)


async def convert_speech(
    pieces: AsyncIterator[bytes],
    content_type: str,
    errors: EngineErrors,
    explain: Callable[[bytes], EngineError] | None = None,
) -> AsyncGenerator[bytes]:
    """Yield the audio in `pieces` as PCM, in whole samples, or raise EngineError if there is none.

    `explain` returns the error for an answer that is text; it is given the text's beginning.
    """
    sound, is_empty = AnswerDecoder(content_type), True
    try:
        async for received in pieces:
            if pcm := sound.feed(received):
                is_empty = False
                yield pcm
        if pcm := sound.finish():
            is_empty = False
            yield pcm
    except UnusableAudioError as unfit:
        raise errors.build_unexpected_answer_error(f"PCM audio but {unfit.what}") from unfit
    except TextAnswerError as words:
        raise (
            explain(words.body) if explain else errors.build_unexpected_answer_error("PCM audio but a text")
        ) from words
    if is_empty:
        raise errors.build_unexpected_answer_error("speech")


def _is_big_endian(head: bytes) -> bool:
    """Return whether samples of audio/L16 are big-endian, as RFC 3551 says; servers send both orders.

    In the wrong order, neighbouring samples differ far more.
    """
    whole = head[: len(head) - len(head) % SAMPLE_BYTES]
    rough = {order: np.abs(np.diff(np.frombuffer(whole, order).astype(np.int32))).sum() for order in ("<i2", ">i2")}
    return bool(rough[">i2"] < rough["<i2"])


def _parse_content_type(content_type: str) -> tuple[str, dict[str, str]]:
    message = Message()
    message["Content-Type"] = content_type.replace("\n", " ").replace("\r", " ")
    pairs = message.get_params(failobj=[]) or []
    kind = content_type.partition(";")[0].strip().lower()
    return kind, {name.lower(): value for name, value in pairs[1:]}


def _parse_number(value: str | None, default: int) -> int:
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 8 else default
