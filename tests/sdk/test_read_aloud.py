"""A conversation whose replies are read aloud by a Realtime model."""

import asyncio
from collections.abc import Callable

import pytest

from tests.support.live import Site
from tests.support.official_client import Connect, load_items
from tests.upstream.fixtures import Upstream
from tests.upstream.sound import speech

pytestmark = pytest.mark.usefixtures("committed_db")


async def test_it_works(start_site: Callable[..., Site], connect: Connect, upstream: Upstream) -> None:
    site = start_site(
        OPENAI_API_KEY="sk-site", OPENAI_BASE_URL=upstream.openai_url, TTS_ENGINE="openai-realtime", SPEECH_CACHE_MB="0"
    )
    reply = "The first sentence is long enough to be a clause of its own. The second one comes right behind it."
    upstream.script(replies=(reply,))
    async with connect(url=site.url) as talk:
        await talk.type("Tell me two sentences.")
        await talk.until("response.done")
    clauses = [one["asked"]["instructions"].rpartition("<read>")[2] for one in upstream.requests("live_responses")]
    assert len(clauses) > 1
    assert talk.audio() == b"".join(speech(clause.removesuffix("</read>")) for clause in clauses)
    assert len(upstream.requests("live_conversations")) == 1
    await asyncio.to_thread(upstream.wait_for, "live_conversations", "closed_by_peer")
    answer = (await load_items(talk.conversation_id))[-1]
    assert answer.tts.startswith("openai-realtime:")
    assert answer.tts_characters > 0


async def test_a_reply_that_is_misread_fails_with_a_word_about_it(
    start_site: Callable[..., Site], connect: Connect, upstream: Upstream
) -> None:
    site = start_site(
        OPENAI_API_KEY="sk-site", OPENAI_BASE_URL=upstream.openai_url, TTS_ENGINE="openai-realtime", SPEECH_CACHE_MB="0"
    )
    upstream.script(replies=("What is the capital of France?",), readings=("It is Paris.", "Paris, of course."))
    async with connect(url=site.url) as talk:
        await talk.type("Ask me something.")
        response = (await talk.until("response.done"))["response"]
        assert response["status"] == "failed"
        assert "did not read out the text" in response["status_details"]["error"]["message"]
        await talk.type("And now?")
        assert (await talk.until("response.done"))["response"]["status"] == "completed"
