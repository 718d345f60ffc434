"""The sound of a conversation over HTTP."""

import asyncio
import io
from typing import Any

import av
import numpy as np
import pytest
from django.test import Client

from accounts.models import User
from conversations.history import mixdown
from conversations.models import ClipData, Conversation
from conversations.pcm import SAMPLE_RATE
from tests.support.api_client import build_client, get_error
from tests.support.factories import add_clip, add_item, make_conversation, make_user

pytestmark = pytest.mark.usefixtures("committed_db")  # what is sent while it is made reads in other threads


@pytest.fixture
def owner(committed_db: None) -> User:
    return make_user()


@pytest.fixture
def as_owner(owner: User) -> Client:
    return build_client(owner)


@pytest.fixture
def conversation(owner: User) -> Conversation:
    return make_conversation(owner)


def build_url(conversation: Conversation, item_id: str = "") -> str:
    return f"/v1/conversations/{conversation.public_id}{f'/items/{item_id}' if item_id else ''}/audio"


def read_stream(answer: Any) -> bytes:
    async def read_all() -> bytes:
        return b"".join([piece async for piece in answer.streaming_content])

    return asyncio.run(read_all())


def decode_channels(ogg: bytes) -> np.ndarray[Any, Any]:
    """Return both channels at 24 kHz, as rows."""
    resampler = av.AudioResampler(format="s16p", layout="stereo", rate=SAMPLE_RATE)
    with av.open(io.BytesIO(ogg), "r") as container:
        frames = [*container.decode(audio=0), None]
        return np.hstack([out.to_ndarray() for frame in frames for out in resampler.resample(frame)])


def measure_loudness(samples: np.ndarray[Any, Any]) -> list[float]:
    """Return the root mean square of each channel."""
    return [float(np.sqrt(np.mean(row.astype(float) ** 2))) for row in samples]


def test_one_clip(as_owner: Client, conversation: Conversation) -> None:
    item = add_item(conversation, "Hello")
    clip = add_clip(item)
    answer = as_owner.get(build_url(conversation, item.public_id))
    sound = bytes(ClipData.objects.get(name=clip.file.name).data)
    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, sound, "audio/ogg")
    assert answer["Cache-Control"] == "private, no-cache"
    part = as_owner.get(build_url(conversation, item.public_id), headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, sound[10:20])
    beyond = as_owner.get(build_url(conversation, item.public_id), headers={"Range": "bytes=9999999-"})
    assert (beyond.status_code, beyond["Content-Range"]) == (416, f"bytes */{len(sound)}")
    get_error(beyond)


def test_the_whole_conversation(as_owner: Client, conversation: Conversation) -> None:
    """The user's 400 ms come on the left, and then the assistant's 600 ms on the right."""
    add_clip(add_item(conversation, "Hello"), 400)
    add_clip(add_item(conversation, "Hi"), 600)
    add_item(conversation, "typed", is_audio=False)
    answer = as_owner.get(build_url(conversation))
    assert (answer.status_code, answer["Content-Type"]) == (200, "audio/ogg")
    assert answer["Content-Disposition"] == f'inline; filename="{conversation.public_id}.ogg"'
    sound = decode_channels(read_stream(answer))
    assert sound.shape[1] == pytest.approx(24_000, abs=720)
    left, right = measure_loudness(sound[:, 1_200:8_400])
    assert (left > 4_000, right < 100) == (True, True)
    left, right = measure_loudness(sound[:, 10_800:22_800])
    assert (left < 100, right > 4_000) == (True, True)


def test_of_a_reply_that_was_cut_what_was_heard(as_owner: Client, conversation: Conversation) -> None:
    add_clip(add_item(conversation, "Hello"), 400)
    add_clip(add_item(conversation, "One two", heard_text="One", heard_ms=200), 600)
    add_clip(add_item(conversation, "Go on", role="user"), 400)
    add_clip(add_item(conversation, "Unheard", heard_text="", heard_ms=0), 600)
    assert decode_channels(read_stream(as_owner.get(build_url(conversation)))).shape[1] == pytest.approx(
        24_000, abs=960
    )


def test_it_is_sent_while_it_is_made(as_owner: Client, conversation: Conversation) -> None:
    """The first piece comes before the next clip is read."""
    add_clip(add_item(conversation, "Long"), 25_000)
    add_clip(add_item(conversation, "More"), 400)
    answer: Any = as_owner.get(build_url(conversation))

    async def read_first_piece() -> bytes:
        async for piece in answer.streaming_content:
            if piece:
                return bytes(piece)
        return b""

    first = asyncio.run(read_first_piece())
    assert first.startswith(b"OggS")
    assert len(first) < 24 * mixdown.PIECE_SAMPLES // SAMPLE_RATE * 1000


def test_a_clip_that_the_storage_lost_is_left_out(
    as_owner: Client, conversation: Conversation, caplog: pytest.LogCaptureFixture
) -> None:
    lost = add_clip(add_item(conversation, "Hello"), 400)
    add_clip(add_item(conversation, "Hi"), 600)
    ClipData.objects.filter(name=lost.file.name).delete()
    assert decode_channels(read_stream(as_owner.get(build_url(conversation)))).shape[1] == pytest.approx(
        14_400, abs=720
    )
    assert "is gone from the storage" in caplog.text


def test_without_sound(as_owner: Client, conversation: Conversation) -> None:
    item = add_item(conversation, "typed", is_audio=False)
    for url in (build_url(conversation), build_url(conversation, item.public_id)):
        answer = as_owner.get(url)
        assert (answer.status_code, get_error(answer)["code"]) == (404, "not_found")
    add_clip(item)
    head = as_owner.head(build_url(conversation))
    assert (head.status_code, head["Content-Type"]) == (200, "audio/ogg")
