"""What text to speech answers: true sound of any usual form is played as it is meant, all else is refused."""

import gzip
import os
import struct
from contextlib import suppress
from time import process_time
from typing import Any

import numpy as np
import pytest

from conversations.engines.base import EngineSpec
from conversations.engines.errors import EngineError
from conversations.engines.openai.tts import Speech
from conversations.engines.sound_formats import UnusableAudioError
from conversations.engines.speech_decoder import AnswerDecoder, TextAnswerError
from tests.support.sound_files import make_sound_file, measure_likeness
from tests.upstream.fixtures import Upstream
from tests.upstream.raw_answers import Raw
from tests.upstream.sound import make_speech

SPEECH = make_speech("Good evening.")
BARE = "application/octet-stream"
SIZES = [1, 1_001, 1_000_000]


def decode(body: bytes, content_type: str = BARE, size: int = 1_000) -> bytes:
    sound = AnswerDecoder(content_type)
    pieces = [sound.feed(body[start : start + size]) for start in range(0, len(body), size)]
    return b"".join(pieces) + sound.finish()


def read_samples(pcm: bytes = SPEECH) -> Any:
    return np.frombuffer(pcm, "<i2")


def resample_to_16k() -> bytes:
    return make_sound_file(SPEECH, "s16le", "pcm_s16le", 16_000)


def swap_bytes(pcm: bytes) -> bytes:
    return bytes(read_samples(pcm).astype(">i2").tobytes())


def make_wav(data: bytes, rate: int = 24_000, channels: int = 1, bits: int = 16, tag: int = 1, *,
             length: int | None = None, before: bytes = b"", after: bytes = b"",
             fmt_more: bytes = b"") -> bytes:  # fmt: skip
    width = channels * bits // 8
    fmt = struct.pack("<HHIIHH", tag, channels, rate, rate * width, width, bits) + fmt_more
    head = b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVE" + before + b"fmt " + struct.pack("<I", len(fmt)) + fmt
    return head + b"data" + struct.pack("<I", len(data) if length is None else length) + data + after


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "content_type", ["audio/pcm", "audio/pcm; rate=24000", "audio/L16;rate=24000", BARE, "", "AUDIO/PCM"]
)
def test_it_works(content_type: str, size: int) -> None:
    assert decode(SPEECH, content_type, size) == SPEECH


@pytest.mark.parametrize("size", SIZES)
def test_half_a_sample_at_the_end_is_dropped(size: int) -> None:
    assert decode(SPEECH + b"x", size=size) == SPEECH


EXACT = {
    "WAV": make_wav(SPEECH),
    "WAV of open length": make_wav(SPEECH, length=0xFFFF_FFFF),
    "WAV of length 0": make_wav(SPEECH, length=0),
    "WAV of a great length": make_wav(SPEECH, length=0x7FFF_F000),
    "chunks around the sound": make_wav(
        SPEECH, before=b"LIST\x06\0\0\0INFOab", after=b"LIST\x04\0\0\0" + os.urandom(400)
    ),
    "extensible": make_wav(SPEECH, tag=0xFFFE, fmt_more=struct.pack("<HHIH", 22, 16, 4, 1) + bytes(14)),
    "24 bits": make_wav(b"".join(b"\0" + SPEECH[place : place + 2] for place in range(0, len(SPEECH), 2)), bits=24),
    "32 bits": make_wav(b"".join(b"\0\0" + SPEECH[place : place + 2] for place in range(0, len(SPEECH), 2)), bits=32),
    "floats": make_wav((read_samples() / 32_768).astype("<f4").tobytes(), bits=32, tag=3),
    "two channels": make_wav(np.repeat(read_samples(), 2).tobytes(), channels=2),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", EXACT)
def test_a_wav_file_is_unwrapped(name: str, size: int) -> None:
    assert decode(EXACT[name], BARE, size) == SPEECH
    assert decode(EXACT[name], "audio/wav", size) == SPEECH


LIKE = {
    "WAV at 16 kHz": (make_wav(resample_to_16k(), 16_000), BARE),
    "WAV at 44.1 kHz in stereo": (make_sound_file(SPEECH, "wav", "pcm_s16le", 44_100, "stereo"), "audio/pcm"),
    "WAV at 22.05 kHz": (make_sound_file(SPEECH, "wav", "pcm_s16le", 22_050), "audio/wav"),
    "WAV in the µ-law": (make_sound_file(SPEECH, "wav", "pcm_mulaw", 8_000), BARE),
    "WAV in the A-law": (make_sound_file(SPEECH, "wav", "pcm_alaw", 8_000), BARE),
    "WAV of 8 bits": (make_sound_file(SPEECH, "wav", "pcm_u8", 24_000), BARE),
    "L16 at 16 kHz": (resample_to_16k(), "audio/L16; rate=16000"),
    "L16 at 16 kHz, in its order": (swap_bytes(resample_to_16k()), "audio/L16;rate=16000;channels=1"),
    "L16 after a silence": (bytes(8_000) + swap_bytes(resample_to_16k()), "audio/l16; rate=16000"),
    "PCM at 48 kHz": (make_sound_file(SPEECH, "s16le", "pcm_s16le", 48_000), 'audio/pcm; rate="48000"'),
    "bare µ-law": (make_sound_file(SPEECH, "mulaw", "pcm_mulaw", 8_000), "audio/basic"),
}  # fmt: skip


@pytest.mark.parametrize("size", [7, 1_000_000])
@pytest.mark.parametrize("name", LIKE)
def test_it_sounds_as_it_is_meant(name: str, size: int) -> None:
    body, content_type = LIKE[name]
    heard = decode(body, content_type, size)
    silence = 12_000 if "silence" in name else 0
    heard = heard[silence:]
    assert abs(len(heard) - len(SPEECH)) < 2_000
    assert measure_likeness(heard, SPEECH) > 0.97


def make_tone(hertz: float, loudness: float) -> bytes:
    return (np.sin(np.arange(24_000) * 2 * np.pi * hertz / 24_000) * loudness * 32_767).astype("<i2").tobytes()


def make_hiss(loudness: float) -> bytes:
    generator = np.random.default_rng(7)
    return np.clip(generator.normal(0, loudness * 32_768, 24_000), -32_768, 32_767).astype("<i2").tobytes()


TRUE = {
    "silence": bytes(48_000),
    "silence below zero": b"\xff\xff" * 24_000,
    "a faint noise": make_hiss(0.001),
    "a loud hiss": make_hiss(0.2),
    "a loud tone": make_tone(440, 1.0),
    "a high tone": make_tone(4_000, 0.6),
    "loud speech": np.clip(read_samples() * 4.0, -32_768, 32_767).astype("<i2").tobytes(),
    "like a frame of MP3": b"\xff\xfb\x90\x64" + SPEECH,
    "short": SPEECH[:20],
}


@pytest.mark.parametrize("size", [1, 1_000_000])
@pytest.mark.parametrize("name", TRUE)
def test_true_sound_is_let_through(name: str, size: int) -> None:
    assert decode(TRUE[name], size=size) == TRUE[name]


UNFIT = {
    "MP3": (make_sound_file(SPEECH, "mp3", "libmp3lame", 44_100), "MP3"),
    "MP3 at 24 kHz, without a tag": (make_sound_file(SPEECH, "mp3", "libmp3lame", 24_000)[45:], "MP3"),
    "Ogg": (make_sound_file(SPEECH, "ogg", "libopus"), "Ogg"),
    "FLAC": (make_sound_file(SPEECH, "flac", "flac"), "FLAC"),
    "AAC": (make_sound_file(SPEECH, "adts", "aac", 24_000), "AAC"),
    "MP4": (make_sound_file(SPEECH, "ipod", "aac"), "MP4"),
    "WebM": (make_sound_file(SPEECH, "webm", "libopus"), "WebM"),
    "AIFF": (make_sound_file(SPEECH, "aiff", "pcm_s16be"), "AIFF"),
    "gzip": (gzip.compress(SPEECH, mtime=0), "gzip"),
    "noise": (os.urandom(20_000), "noise"),
    "noise that begins softly": (SPEECH[:2_000] + os.urandom(20_000), "noise"),
    "packed data": (gzip.compress(os.urandom(20_000))[20:], "noise"),
    "a WAV file of ADPCM": (make_sound_file(SPEECH, "wav", "adpcm_ima_wav", 24_000), "WAV"),
    "a WAV file of half a header": (make_wav(SPEECH)[:30], "WAV"),
    "a WAV file without a format": (b"RIFF\0\0\0\0WAVEdata\x08\0\0\0" + bytes(8), "WAV"),
    "a WAV file of no rate": (make_wav(SPEECH, rate=0), "WAV"),
    "a WAV file of no channel": (make_wav(SPEECH, channels=0), "WAV"),
    "a WAV file with a long header": (make_wav(SPEECH, before=b"JUNK\xff\xff\0\0" + bytes(65_535)), "WAV"),
}


@pytest.mark.parametrize("size", [1, 1_000, 1_000_000])
@pytest.mark.parametrize("content_type", [BARE, "audio/pcm"])
@pytest.mark.parametrize("name", UNFIT)
def test_what_is_no_sound_of_ours_is_refused(name: str, content_type: str, size: int) -> None:
    body, what = UNFIT[name]
    with pytest.raises(UnusableAudioError) as unfit:
        decode(body, content_type, size)
    assert what in unfit.value.what


OTHERS = ["audio/mpeg", "audio/ogg", "audio/wav", "text/html", "application/json", "video/mp4", "audio/pcm; rate=1",
          "audio/L16; rate=16000; channels=99"]  # fmt: skip


@pytest.mark.parametrize("content_type", OTHERS)
def test_a_type_that_is_none_of_ours(content_type: str) -> None:
    with pytest.raises(UnusableAudioError):
        decode(SPEECH, content_type)


WORDS = ("<html>It works!</html>", "Internal Server Error", '{"error": "x"}', "\ufeff{}", "Grüße", "x" * 100_000)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("words", WORDS)
def test_words_are_no_sound(words: str, size: int) -> None:
    with pytest.raises(TextAnswerError):
        decode(words.encode(), size=size)


@pytest.mark.parametrize(
    "body",
    [
        make_wav(bytes(100_000), 16_000),
        b"<" * 70_000,
        b"\xff\xfb\x90\x64" * 1_000,
        make_wav(b"", before=b"JUNK\0\xf0\0\0" + bytes(61_440)),
    ],
    ids=["WAV", "words", "frames of MP3", "a long header"],
)
def test_it_may_be_cut_to_bytes(body: bytes) -> None:
    began_at = process_time()
    with suppress(UnusableAudioError, TextAnswerError):
        decode(body, size=1)
    assert process_time() - began_at < 2.0


@pytest.mark.parametrize("content_type", ["audio/L16; rate=16000", "audio/pcm"])
def test_silence_may_be_cut_to_bytes(content_type: str) -> None:
    began_at = process_time()
    assert not any(decode(bytes(90_000), content_type, size=1))
    assert process_time() - began_at < 2.0


# Over a socket.


def make_engine(upstream: Upstream) -> Speech:
    return Speech(EngineSpec("openai", "tts-1", base_url=upstream.openai_url, timeout_sec=2.0))


@pytest.mark.parametrize("name", ["WAV", "two channels", "extensible"])
async def test_the_engine_plays_it(upstream: Upstream, name: str) -> None:
    upstream.behave("speech", raw=Raw((EXACT[name][:700], EXACT[name][700:]), BARE).build_script())
    assert b"".join([pcm async for pcm in make_engine(upstream).speak("Good evening.")]) == SPEECH


@pytest.mark.parametrize(
    ("body", "content_type", "code", "words"),
    [
        (UNFIT["MP3"][0], "audio/pcm", "engine_rejected", "not PCM audio but MP3"),
        (UNFIT["noise"][0], BARE, "engine_rejected", "noise"),
        (b"", "audio/pcm", "engine_rejected", "not speech"),
        (b"x", "audio/pcm", "engine_rejected", "PCM audio but a text"),
        (b"<html>It works!</html>", BARE, "engine_rejected", "a text"),
        (b'{"error": {"message": "No such voice.", "type": "invalid_request_error"}}', BARE, "engine_rejected",
         "No such voice."),
        (b'{"error": {"message": "Overloaded.", "type": "server_error"}}', "audio/pcm", "engine_unavailable",
         "has a problem on its side"),
        (b'{"detail": "busy"}', "application/json", "engine_unavailable", "busy"),
        (b'{"audio": "AAAA"}', "application/json", "engine_rejected", "application/json"),
    ],
)  # fmt: skip
async def test_the_engine_refuses_it_in_words(
    upstream: Upstream, body: bytes, content_type: str, code: str, words: str
) -> None:
    upstream.behave("speech", raw=Raw((body,) if body else (), content_type).build_script())
    came: list[bytes] = []
    with pytest.raises(EngineError) as caught:
        came += [pcm async for pcm in make_engine(upstream).speak("Good evening.")]
    assert caught.value.code == code
    assert words in caught.value.message
    assert came == []
