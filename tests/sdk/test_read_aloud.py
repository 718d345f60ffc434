"""A conversation whose replies are read aloud by a Realtime model."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.support.live import Site, run_site
from tests.support.official_client import Connect, load_items
from tests.upstream.fixtures import Upstream
from tests.upstream.sound import make_speech

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture(scope="module")
def site(database_url: str, upstream_process: Upstream) -> Iterator[Site]:
    """A site whose replies are read aloud by a Realtime model, in place of the site that all tests share."""
    env = {"OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream_process.openai_url, "SPEECH_CACHE_MB": "0"}
    with run_site(database_url, {**env, "TTS_ENGINE": "openai-realtime"}) as running:
        yield running


async def test_it_works(connect: Connect, upstream: Upstream) -> None:
    reply = "The first sentence is long enough to be a clause of its own. The second one comes right behind it."
    upstream.script(replies=(reply,))
    async with connect() as talk:
        await talk.type("Tell me two sentences.")
        await talk.wait_for("response.done")
    clauses = [one["asked"]["instructions"].rpartition("<read>")[2] for one in upstream.list_requests("live_responses")]
    assert len(clauses) > 1
    assert talk.collect_audio() == b"".join(make_speech(clause.removesuffix("</read>")) for clause in clauses)
    assert len(upstream.list_requests("live_conversations")) == 1
    await asyncio.to_thread(upstream.wait_for, "live_conversations", "closed_by_peer")
    answer = (await load_items(talk.conversation_id))[-1]
    assert answer.tts.startswith("openai-realtime:")
    assert answer.tts_characters > 0


async def test_a_reply_that_is_misread_fails_with_a_word_about_it(connect: Connect, upstream: Upstream) -> None:
    upstream.script(replies=("What is the capital of France?",), readings=("It is Paris.", "Paris, of course."))
    async with connect() as talk:
        await talk.type("Ask me something.")
        response = (await talk.wait_for("response.done"))["response"]
        assert response["status"] == "failed"
        assert "did not read out the text" in response["status_details"]["error"]["message"]
        await talk.type("And now?")
        assert (await talk.wait_for("response.done"))["response"]["status"] == "completed"
