"""Speech becomes a file while it comes: playable from its first bytes, and whole at its end."""

import io
import wave

import pytest

from conversations.audio import uploads
from conversations.audio.speech_files import MEDIA_TYPES, open_speech_file
from conversations.pcm import BYTES_PER_MS, SAMPLE_RATE
from tests.support.sound_files import measure_likeness
from tests.upstream.sound import make_speech

SPEECH = make_speech("I can hear you very well, and what is more, I can answer.")
PIECE = 40 * BYTES_PER_MS


def encode_pieces(media_type: str) -> list[bytes]:
    file = open_speech_file(media_type)
    made = [file.put(SPEECH[start : start + PIECE]) for start in range(0, len(SPEECH), PIECE)]
    return [*made, file.finish()]


@pytest.mark.parametrize("media_type", ["audio/ogg", "audio/mpeg", "audio/wav"])
async def test_it_works(media_type: str) -> None:
    pcm = await uploads.decode(b"".join(encode_pieces(media_type)))
    assert abs(len(pcm) - len(SPEECH)) < 80 * BYTES_PER_MS
    assert measure_likeness(pcm, SPEECH) > 0.95


def test_pcm_is_itself() -> None:
    assert b"".join(encode_pieces("audio/pcm")) == SPEECH


def test_a_wav_is_one_for_python_too() -> None:
    with wave.open(io.BytesIO(b"".join(encode_pieces("audio/wav")))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, SAMPLE_RATE)
        assert file.readframes(len(SPEECH)) == SPEECH


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
async def test_what_came_is_heard_while_the_rest_is_made(media_type: str) -> None:
    """Of two seconds nearly two have left, and can be decoded without an end."""
    file = open_speech_file(media_type)
    begun = b"".join(file.put(SPEECH[start : start + PIECE]) for start in range(0, 2_000 * BYTES_PER_MS, PIECE))
    pcm = begun if media_type == "audio/pcm" else await uploads.decode(begun)
    assert len(pcm) > 1_700 * BYTES_PER_MS


def test_a_type_that_is_not_served() -> None:
    with pytest.raises(KeyError):
        open_speech_file("audio/amr")
