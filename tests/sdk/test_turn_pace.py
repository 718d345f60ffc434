"""How soon the reply of a turn over HTTP comes: as it is made, and as it is read."""

import asyncio
import time

import httpx2
import pytest

from accounts.models import User
from conversations.models import Conversation, Item
from conversations.pcm import BYTES_PER_MS
from tests.support.http_turns import make_wav, measure_sec
from tests.support.official_client import load_items
from tests.support.polling import poll, wait_until_none
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db", "upstream")
TURNS = "/v1/voice/turns"


async def test_speech_leaves_while_the_model_writes(
    caller: httpx2.AsyncClient, upstream: Upstream, utterance: bytes
) -> None:
    upstream.behave("chat", piece_ms=100)
    upstream.script(replies=("Well then. " + "And so it goes on and on. " * 8,))
    async with caller.stream("POST", TURNS, content=make_wav(utterance)) as answer:
        pieces = answer.aiter_raw()
        while len(begun := await anext(pieces)) < 100:  # the container's header
            pass
        writing = (await asyncio.to_thread(upstream.list_requests, "chat"))[-1]
        assert writing["ending"] == ""
        rest = [piece async for piece in pieces]
    assert sum(map(len, rest)) > len(begun)


async def test_a_file_comes_as_soon_as_it_is_made(
    caller: httpx2.AsyncClient, upstream: Upstream, utterance: bytes
) -> None:
    """It does not come at the pace of speech."""
    upstream.script(replies=("This is one of many sentences that nobody waits for. " * 15,))
    began = time.monotonic()
    answer = await caller.post(TURNS, content=make_wav(utterance), headers={"Accept": "audio/pcm"})
    took_sec = time.monotonic() - began
    assert measure_sec(answer.content) > 45
    assert took_sec < 15


async def test_who_reads_slowly_gets_all_of_it_and_holds_it_back_meanwhile(
    caller: httpx2.AsyncClient, user: User, upstream: Upstream, utterance: bytes
) -> None:
    """The reply has seven megabytes, which is more than the kernels' buffers take."""
    upstream.script(replies=("This is one of the many sentences that are read late. " * 45,))
    live = Conversation.objects.filter(user=user, status=Conversation.Status.LIVE)
    made = Item.objects.filter(conversation__user=user, role="assistant", status="completed")
    async with caller.stream("POST", TURNS, content=make_wav(utterance), headers={"Accept": "audio/pcm"}) as answer:
        await poll(made.aexists)
        with pytest.raises(TimeoutError):
            await wait_until_none(live, patience_sec=2)  # nothing else than the reader is waited for
        pcm = await answer.aread()
    _, reply = await load_items(answer.headers["x-conversation-id"])
    assert (reply.status, reply.heard_text) == ("completed", None)
    assert abs(len(pcm) / BYTES_PER_MS - reply.audio_ms) < 1
