"""Converts what a text-to-speech server answers to the PCM that was asked for, or refuses it.

Servers answer in formats of their own: WAV where bare samples were asked for, at 16 or 22 kHz, in two channels; MP3
under any name; an error as JSON, or as a web page. Played as samples, all of that is noise. So the format is told by
the bytes, and by the content type only if they do not show it.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from email.message import Message
from typing import Any

import numpy as np

from conversations.engines.base import EngineError
from conversations.engines.failures import Failures
from conversations.engines.sound_formats import (
    HEAD_BYTES,
    MAX_CHANNELS,
    MAX_HEADER_BYTES,
    RATES,
    TEXT_BYTES,
    SampleFormat,
    UnusableAudioError,
    bytes_needed,
    detect_format,
    is_text,
    parse_wav_header,
)
from conversations.pcm import SAMPLE_BYTES, SAMPLE_RATE

BARE = ("audio/pcm", "audio/x-pcm", "audio/l16", "audio/raw", "audio/x-raw")  # bare samples, as was asked for
LAWS = {"audio/basic": "mulaw", "audio/pcmu": "mulaw", "audio/pcma": "alaw"}  # telephony, 8,000 samples a second
OTHERS = ("text/", "audio/", "video/", "image/", "application/json", "application/problem", "application/xml")
MAX_TEXT_BYTES = 64_000
# Compressed data read as samples is as loud as can be, and its samples are unrelated. Speech never is: loud sounds are
# voiced, with neighbouring samples alike, and hissing sounds are soft.
WINDOW = 512  # samples
NOISE_LOUDNESS = 0.45  # root mean square, of full scale; random bytes have 0.58
NOISE_LIKENESS = 0.25  # correlation of neighbouring samples, positive or negative
CHECKED_SAMPLES = WINDOW * 24  # half a second
BLOCK_BYTES = 4_096  # converted at a time, at least: the cost of a call is the same for less

Samples = np.ndarray[Any, np.dtype[np.float64]]


class TextAnswerError(Exception):
    """The answer is text instead of audio; `body` is its beginning."""

    def __init__(self, body: bytes) -> None:
        super().__init__("words in place of sound")
        self.body = body


class AnswerDecoder:
    """Decodes one answer: `feed` it the body as it comes, then `finish`. Both return PCM in whole samples.

    Both raise UnusableAudioError and TextAnswerError.
    """

    def __init__(self, content_type: str) -> None:
        self._type, self._parameters = _parse_content_type(content_type)
        self._head = bytearray()
        self._is_text = False
        self._has_sound = False  # whether there was any byte other than zero
        self._wanted = HEAD_BYTES
        self._pcm: PcmConverter | None = None

    def feed(self, data: bytes) -> bytes:
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
        if self._pcm is None and is_text(bytes(self._head[:TEXT_BYTES])):
            raise TextAnswerError(bytes(self._head))
        begun = b"" if self._pcm is not None or not self._head else self._begin_conversion(is_whole=True)
        return begun + (self._pcm.finish() if self._pcm is not None else b"")

    def _has_enough(self) -> bool:
        if self._type == "audio/l16" and not self._has_sound:
            return len(self._head) > MAX_HEADER_BYTES  # silence does not show its byte order
        return len(self._head) >= max(self._wanted, bytes_needed(bytes(self._head[:8])))

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
    failures: Failures,
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
        raise failures.unexpected_answer_error(f"PCM audio but {unfit.what}") from unfit
    except TextAnswerError as words:
        raise (explain(words.body) if explain else failures.unexpected_answer_error("PCM audio but a text")) from words
    if is_empty:
        raise failures.unexpected_answer_error("speech")


class PcmConverter:
    """Converts a stream of samples of any format to PCM.

    If `is_checked`, the samples may be other data, and UnusableAudioError is raised when they turn out to be noise.
    """

    def __init__(self, given: SampleFormat, *, is_checked: bool = False) -> None:
        self._given = given
        self._left = given.length
        self._rest = b""
        self._to_check = CHECKED_SAMPLES if is_checked else 0
        self._unchecked = bytearray()
        self._resampler = _build_resampler(given.rate)
        self._is_ours = (given.coding, given.rate, given.channels) == ("s16le", SAMPLE_RATE, 1)

    def feed(self, data: bytes) -> bytes:
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        data, self._rest = self._rest + data, b""
        if not self._is_ours and len(data) < BLOCK_BYTES:
            self._rest = data
            return b""
        return self._convert_whole_frames(data)

    def _convert_whole_frames(self, data: bytes) -> bytes:
        frame = _sample_bytes(self._given.coding) * self._given.channels
        end = len(data) - len(data) % frame
        data, self._rest = data[:end], data[end:]
        if not data:
            return b""
        if self._is_ours:
            self._check_for_noise(data)
            return data
        return self._convert(data)

    def finish(self) -> bytes:
        """Return the last PCM. Half a sample at the end is dropped."""
        rest = self._convert_whole_frames(self._rest)
        if self._resampler is None:
            return rest
        return rest + _encode_pcm(self._resampler.resample_chunk(np.zeros(0), last=True))

    def _convert(self, data: bytes) -> bytes:
        samples = _decode_samples(data, self._given.coding)
        if self._given.channels > 1:
            samples = samples.reshape(-1, self._given.channels).mean(axis=1)
        self._check_for_noise(_encode_pcm(samples))
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples)
        return _encode_pcm(samples)

    def _check_for_noise(self, pcm: bytes) -> None:
        if self._to_check <= 0:
            return
        self._unchecked += pcm
        samples = np.frombuffer(bytes(self._unchecked), "<i2")
        whole = min(len(samples), self._to_check) // WINDOW
        for window in samples[: whole * WINDOW].reshape(-1, WINDOW).astype(np.float64) / 32_768:
            if _is_noise(window):
                raise UnusableAudioError("noise, as of compressed or encrypted data")
        del self._unchecked[: whole * WINDOW * SAMPLE_BYTES]
        self._to_check -= whole * WINDOW


def _is_noise(samples: Samples) -> bool:
    power = float(samples @ samples)
    if power < NOISE_LOUDNESS**2 * len(samples):
        return False
    return abs(float(samples[1:] @ samples[:-1])) < NOISE_LIKENESS * power


def _is_big_endian(head: bytes) -> bool:
    """Return whether samples of audio/L16 are big-endian, as RFC 3551 says; servers send both orders.

    In the wrong order, neighbouring samples differ far more.
    """
    whole = head[: len(head) - len(head) % SAMPLE_BYTES]
    rough = {order: np.abs(np.diff(np.frombuffer(whole, order).astype(np.int32))).sum() for order in ("<i2", ">i2")}
    return bool(rough[">i2"] < rough["<i2"])


def _decode_samples(data: bytes, coding: str) -> Samples:
    """Return samples between -1 and 1."""
    match coding:
        case "mulaw" | "alaw":
            from conversations.audio.g711 import A_LAW, MU_LAW

            levels = (MU_LAW if coding == "mulaw" else A_LAW).levels
            return levels[np.frombuffer(data, np.uint8)].astype(np.float64) / 32_768
        case "u8":
            return (np.frombuffer(data, np.uint8).astype(np.float64) - 128) / 128
        case "s24le":
            wide = np.zeros((len(data) // 3, 4), np.uint8)
            wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
            return wide.view("<i4").ravel().astype(np.float64) / 2**31
        case "f32le" | "f64le":
            return np.nan_to_num(
                np.frombuffer(data, f"<f{_sample_bytes(coding)}").astype(np.float64), posinf=0.0, neginf=0.0
            )
    kinds = {"s16le": "<i2", "s16be": ">i2", "s32le": "<i4"}
    return np.frombuffer(data, kinds[coding]).astype(np.float64) / 2.0 ** (8 * _sample_bytes(coding) - 1)


def _sample_bytes(coding: str) -> int:
    return {"u8": 1, "mulaw": 1, "alaw": 1, "s24le": 3, "s32le": 4, "f32le": 4, "f64le": 8}.get(coding, 2)


def _encode_pcm(samples: Samples) -> bytes:
    return np.clip(np.rint(samples * 32_768), -32_768, 32_767).astype("<i2").tobytes()


def _build_resampler(rate: int) -> Any:
    if rate == SAMPLE_RATE:
        return None
    import soxr

    return soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float64")


def _parse_content_type(content_type: str) -> tuple[str, dict[str, str]]:
    message = Message()
    message["Content-Type"] = content_type.replace("\n", " ").replace("\r", " ")
    pairs = message.get_params(failobj=[]) or []
    kind = content_type.partition(";")[0].strip().lower()
    return kind, {name.lower(): value for name, value in pairs[1:]}


def _parse_number(value: str | None, default: int) -> int:
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 8 else default
