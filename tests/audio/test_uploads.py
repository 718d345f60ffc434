"""Sound files of strangers: those that are meant well become PCM, the others a plain refusal, and soon."""

import asyncio
import io
import os
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
from av.codec import Codec
from av.codec.codec import UnknownCodecError

from conversations.audio import decoder_process, uploads
from conversations.audio.decoder_process import Outcome
from conversations.audio.uploads import SoundFileError
from conversations.pcm import BYTES_PER_MS, SAMPLE_BYTES, SAMPLE_RATE
from tests.support.factories import make_tone
from tests.support.sound_files import make_sound_file, measure_likeness
from tests.upstream.sound import make_speech

SPEECH = make_speech("Good morning, can you hear me?")


def _is_sound_encoder(name: str) -> bool:
    try:
        return Codec(name, "w").type == "audio"
    except UnknownCodecError:
        return False


async def get_refusal(data: bytes) -> Outcome:
    with pytest.raises(SoundFileError) as refused:
        await uploads.decode(data)
    return refused.value.outcome


@pytest.mark.parametrize(
    ("container", "codec", "rate", "layout"),
    [
        ("wav", "pcm_s16le", 24_000, "mono"),
        ("wav", "pcm_s16le", 44_100, "stereo"),
        ("wav", "pcm_s16le", 8_000, "mono"),
        ("wav", "pcm_s16le", 192_000, "mono"),
        ("wav", "pcm_s16le", 11_025, "7.1"),
        ("wav", "pcm_mulaw", 8_000, "mono"),
        ("wav", "pcm_f32le", 48_000, "stereo"),
        ("flac", "flac", 96_000, "stereo"),
        ("mp3", "libmp3lame", 44_100, "stereo"),
        ("ogg", "libopus", 48_000, "stereo"),
        ("webm", "libopus", 48_000, "mono"),
        ("matroska", "pcm_s16le", 48_000, "mono"),
        ("mp4", "aac", 44_100, "stereo"),
        ("ipod", "aac", 48_000, "mono"),
        ("ipod", "alac", 48_000, "mono"),
        ("mov", "pcm_s16le", 48_000, "mono"),
        ("adts", "aac", 16_000, "mono"),
        ("aiff", "pcm_s16be", 48_000, "mono"),
    ],
)
async def test_it_works(container: str, codec: str, rate: int, layout: str) -> None:
    pcm = await uploads.decode(make_sound_file(SPEECH, container, codec, rate, layout))
    assert abs(len(pcm) - len(SPEECH)) < 150 * BYTES_PER_MS  # a frame of AAC at 16 kHz is 64 ms, and some are padding
    assert measure_likeness(pcm, SPEECH, most_shift_ms=140) > 0.9


def test_the_decoder_makes_the_audio_format_of_the_site() -> None:
    assert (decoder_process.SAMPLE_RATE, decoder_process.SAMPLE_BYTES) == (SAMPLE_RATE, SAMPLE_BYTES)


async def test_vorbis() -> None:
    """FFmpeg's own encoder of it needs two channels, and leave to be used."""
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as muxer:
        stream = muxer.add_stream("vorbis", rate=48_000, layout="stereo", options={"strict": "-2"})
        samples = np.repeat(np.frombuffer(SPEECH, "<i2"), 2).reshape(1, -1)  # at 48 kHz, an octave up
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
        frame.sample_rate = 48_000
        for packet in (*stream.encode(frame), *stream.encode(None)):
            muxer.mux(packet)
    pcm = await uploads.decode(file.getvalue())
    assert abs(len(pcm) - len(SPEECH) / 2) < 100 * BYTES_PER_MS


async def test_files_that_are_chained() -> None:
    chained = make_sound_file(SPEECH, "ogg", "libopus") + make_sound_file(SPEECH, "ogg", "libopus")
    assert abs(len(await uploads.decode(chained)) - 2 * len(SPEECH)) < 100 * BYTES_PER_MS


async def test_a_file_that_changes_its_shape_on_the_way() -> None:
    chained = make_sound_file(SPEECH, "adts", "aac", 16_000) + make_sound_file(SPEECH, "adts", "aac", 44_100, "stereo")
    pcm = await uploads.decode(chained)
    assert abs(len(pcm) - 2 * len(SPEECH)) < 300 * BYTES_PER_MS
    assert measure_likeness(pcm[-len(SPEECH) :], SPEECH, most_shift_ms=140) > 0.9


async def test_a_file_that_breaks_off_or_is_damaged_is_taken_as_far_as_it_goes() -> None:
    whole = make_sound_file(SPEECH, "mp3", "libmp3lame")
    assert len(await uploads.decode(whole[: len(whole) // 2])) > 0.4 * len(SPEECH)
    middle = len(whole) // 2
    assert len(await uploads.decode(whole[:middle] + os.urandom(300) + whole[middle + 300 :])) > 0.8 * len(SPEECH)


def make_film(sound: bytes = b"") -> bytes:
    """Return two seconds of a film, with sound if some is given."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as muxer:
        picture = muxer.add_stream("mpeg4", rate=10)
        picture.width, picture.height = 64, 48
        stream = muxer.add_stream("libopus", rate=24_000, layout="mono") if sound else None
        for number in range(20):
            image = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number, np.uint8), format="rgb24")
            muxer.mux(picture.encode(image))
        muxer.mux(picture.encode(None))
        if stream is not None:
            frame = av.AudioFrame.from_ndarray(np.frombuffer(sound, "<i2").reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate = 24_000
            for packet in (*stream.encode(frame), *stream.encode(None)):
                muxer.mux(packet)
    return file.getvalue()


async def test_the_sound_of_a_film() -> None:
    assert measure_likeness(await uploads.decode(make_film(SPEECH)), SPEECH) > 0.9


async def test_a_film_without_sound_is_refused() -> None:
    assert await get_refusal(make_film()) is Outcome.NO_AUDIO


@pytest.mark.parametrize(
    "data",
    [
        b"\0" * 100_000,
        b"hello world " * 1000,
        b"RIFF",
        b"ID3" + bytes(200),
        b"OggS" + bytes(200),
        (Path(__file__).parents[2] / "docs/images/talk.png").read_bytes(),
        b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/hostname\n",
        b"ffconcat version 1.0\nfile /etc/hostname\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\n",
    ],
    ids=["zeros", "text", "riff", "id3", "ogg", "png", "hls", "concat", "sdp"],
)
async def test_what_is_no_sound_file_is_refused(data: bytes) -> None:
    assert await get_refusal(data) is Outcome.NO_SOUND_FILE


async def test_noise_is_no_sound_file() -> None:
    for seed in range(5):
        assert await get_refusal(np.random.default_rng(seed).bytes(50_000)) is Outcome.NO_SOUND_FILE


async def test_a_sound_without_a_sample() -> None:
    assert await get_refusal(make_wav(24_000, 1, b"")) is Outcome.NO_AUDIO
    assert await get_refusal(make_wav(24_000, 1, SPEECH)[:44]) is Outcome.NO_AUDIO
    assert await get_refusal(make_sound_file(SPEECH[:96], "wav", "pcm_s16le", 24_000)[:44]) is Outcome.NO_SOUND_FILE


@pytest.mark.parametrize(
    ("container", "codec"), [("mp4", "aac"), ("ogg", "libopus"), ("flac", "flac"), ("aiff", "pcm_s16be")]
)
async def test_a_head_without_a_body(container: str, codec: str) -> None:
    """Never taken for sound; whether it still shows that it was to hold any depends on its kind."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as muxer:
        muxer.add_stream(codec, rate=48_000, layout="mono")
        muxer.start_encoding()
    assert await get_refusal(file.getvalue()) in (Outcome.NO_AUDIO, Outcome.NO_SOUND_FILE)


async def test_a_codec_that_is_not_listed() -> None:
    """AC-3 in Matroska, as a film has it."""
    assert await get_refusal((Path(__file__).parent / "ac3.mka").read_bytes()) is Outcome.NO_SOUND_FILE


ENCODERS = sorted(name for name in av.codecs_available if _is_sound_encoder(name) and not name.startswith("pcm_"))
MUXERS = ("matroska", "mov", "wav", "ogg", "aiff", "flac")


async def test_only_the_listed_codecs_are_decoded() -> None:
    """Every one that this build can write, in the first container of those that are read which takes it."""
    written = {codec: file for codec in ENCODERS if (file := _write_file(codec))}
    assert len(written) > 20
    assert {"ac3", "aac", "flac", "libmp3lame", "libopus"} <= set(written)
    for codec, file in written.items():
        decoded = await asyncio.gather(uploads.decode(file), return_exceptions=True)
        with av.open(io.BytesIO(file)) as opened:
            context = opened.streams.audio[0].codec_context
            is_listed = context is not None and context.codec.name in decoder_process.CODECS
        assert isinstance(decoded[0], bytes) == is_listed, (codec, decoded[0])


def _write_file(codec: str) -> bytes | None:
    for container in MUXERS:
        for rate, layout in ((48_000, "stereo"), (8_000, "mono"), (16_000, "mono")):
            with suppress(av.FFmpegError, ValueError):
                return make_sound_file(SPEECH, container, codec, rate, layout)
    return None


@pytest.mark.parametrize("share", [-1.0, -0.9, 0.0])
async def test_channels_that_cancel_each_other_out_are_heard(share: float) -> None:
    assert measure_likeness(await uploads.decode(_make_two_channels(share)), SPEECH) > 0.9


async def test_of_channels_that_are_unlike_both_are_heard() -> None:
    other = make_speech("Something else is said here.")[: len(SPEECH)].ljust(len(SPEECH), b"\0")
    left, right = (np.frombuffer(one, "<i2") for one in (SPEECH, other))
    pcm = await uploads.decode(make_wav(24_000, 2, np.stack([left, right], 1).tobytes()))
    assert min(measure_likeness(pcm, SPEECH), measure_likeness(pcm, other)) > 0.3


def _make_two_channels(share: float) -> bytes:
    left = np.frombuffer(SPEECH, "<i2")
    return make_wav(24_000, 2, np.stack([left, (left * share).astype("<i2")], 1).tobytes())


async def test_two_minutes_are_the_most() -> None:
    minute = make_tone(60_000)
    assert len(await uploads.decode(make_sound_file(minute * 2, "mp3", "libmp3lame"))) >= len(minute * 2)
    assert await get_refusal(make_sound_file(minute * 2 + make_tone(1_000), "mp3", "libmp3lame")) is Outcome.TOO_LONG


async def test_hours_of_silence_in_a_small_file() -> None:
    """Ten hours, 0.8 MB; and it is not decoded to its end."""
    second = make_sound_file(bytes(48_000), "flac", "flac", 8_000)
    silence = make_sound_file(bytes(48_000 * 600), "flac", "flac", 8_000)
    bomb = silence + silence[silence.index(b"\xff\xf8") :] * 60
    assert len(second) < len(silence) < 1_000_000
    began = time.monotonic()
    assert await get_refusal(bomb) is Outcome.TOO_LONG
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("rate", [1, 100, 3_999, 768_000])
async def test_a_rate_at_which_a_few_bytes_are_minutes(rate: int) -> None:
    assert await get_refusal(make_wav(rate, 1, bytes(10_000))) is Outcome.NO_SOUND_FILE


@pytest.mark.parametrize("channels", [0, 3, 64, 255, 65_535])
async def test_any_number_of_channels_is_heard_or_refused(channels: int) -> None:
    decoded = await asyncio.gather(uploads.decode(make_wav(48_000, channels, SPEECH)), return_exceptions=True)
    assert isinstance(decoded[0], bytes | SoundFileError)


def make_wav(rate: int, channels: int, data: bytes) -> bytes:
    width = 2 * channels
    shape = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, (rate * width) % 2**32, width % 2**16, 16)
    return (
        struct.pack("<4sI4s", b"RIFF", 36 + len(data), b"WAVE") + shape + struct.pack("<4sI", b"data", len(data)) + data
    )


def make_box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def make_full_box(kind: bytes, *content: bytes) -> bytes:
    return make_box(kind, bytes(4), *content)


def make_mp4_of_many_samples(count: int) -> bytes:
    """Return an MP4 of samples of one byte and 1,024 ticks each, in one chunk: FFmpeg makes 24 bytes of index of
    each before it reads any.
    """
    kind = make_box(b"ftyp", b"M4A ", bytes(4), b"M4A mp42isom")
    entry = make_box(b"mp4a", bytes(6), b"\0\1", bytes(8), struct.pack(">HHHHI", 1, 16, 0, 0, 8_000 << 16))
    table = make_box(
        b"stbl",
        make_full_box(b"stsd", struct.pack(">I", 1), entry),
        make_full_box(b"stts", struct.pack(">III", 1, count, 1024)),
        make_full_box(b"stsc", struct.pack(">IIII", 1, 1, count, 1)),
        make_full_box(b"stsz", struct.pack(">II", 1, count)),
        make_full_box(b"stco", struct.pack(">II", 1, len(kind) + 8)),
    )
    media = make_box(
        b"mdia",
        make_full_box(b"mdhd", struct.pack(">IIII", 0, 0, 8_000, count), b"\x55\xc4\0\0"),
        make_full_box(b"hdlr", bytes(4), b"soun", bytes(13)),
        make_box(b"minf", make_full_box(b"smhd", bytes(4)), table),
    )
    track = make_box(b"trak", make_full_box(b"tkhd", struct.pack(">IIIII", 0, 0, 1, 0, 1_000), bytes(60)), media)
    head = make_full_box(b"mvhd", struct.pack(">IIII", 0, 0, 1_000, 1_000), bytes(80))
    return kind + make_box(b"mdat", bytes(1_000)) + make_box(b"moov", head, track)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the address space cannot be bounded")
async def test_an_index_that_would_fill_the_memory() -> None:
    bomb = make_mp4_of_many_samples(85_000_000)  # 2 GB
    assert len(bomb) < 2_000
    assert await get_refusal(bomb) is Outcome.NO_SOUND_FILE


async def test_a_file_that_takes_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that never ends, in the decoder's place."""
    endless = tmp_path / "endless.py"
    endless.write_text("while True: pass")
    monkeypatch.setattr(decoder_process, "__file__", str(endless))
    monkeypatch.setattr(uploads, "TIMEOUT_SEC", 0.5)
    assert await get_refusal(SPEECH) is Outcome.NO_SOUND_FILE
