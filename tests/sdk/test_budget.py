"""A turn's budget over real engines that are slow: what is heard, by when, and that the next turn works."""

import json
import time
from collections.abc import Iterator

import pytest

from conversations.models import Item
from tests.support import http_turns
from tests.support.live import Site, run_site
from tests.support.official_client import Connect, Talk
from tests.upstream.fixtures import Upstream
from tests.upstream.raw_answers import Raw
from tests.upstream.sound import make_speech
from tests.upstream.streams import DONE, STOP, pack_chunk, say

pytestmark = pytest.mark.usefixtures("committed_db")
FILLER, BUDGET_SEC, THINKING_SEC = "One moment.", 2.5, 2.0
THOUGHT, ANSWER = pack_chunk({"reasoning_content": "Hm. "}), say("It is noon.") + STOP + DONE


@pytest.fixture(scope="module")
def hurried_site(database_url: str, upstream_process: Upstream) -> Iterator[Site]:
    env = {
        "OPENAI_API_KEY": "sk-site",
        "OPENAI_BASE_URL": upstream_process.openai_url,
        "TURN_BUDGET_SEC": str(BUDGET_SEC),
        "FILLER_AFTER_SEC": "1",
        "THINKING_SEC": "2",
        "SPEECH_CACHE_MB": "0",
    }
    with run_site(database_url, env) as running:
        yield running


async def ask(talk: Talk) -> tuple[str, float]:
    """Ask a question, and return how its response ended and after how many seconds."""
    began_at = time.monotonic()
    await talk.type("What time is it?")
    details = (await talk.wait_for("response.done"))["response"]
    code = ((details["status_details"] or {}).get("error") or {}).get("code", "")
    return f"{details['status']} {code}".strip(), time.monotonic() - began_at


async def test_a_word_bridges_the_silence_and_is_no_answer(
    connect: Connect, hurried_site: Site, upstream: Upstream
) -> None:
    upstream.script(replies=("It is noon.", "Yes."))
    upstream.behave("chat", first_byte_ms=1800)
    async with connect(url=hurried_site.url) as talk:
        assert (await ask(talk))[0] == "completed"
        assert talk.collect_audio() == make_speech(FILLER) + make_speech("It is noon.")
        item = await Item.objects.aget(conversation__public_id=talk.conversation_id, role="assistant")
        assert (item.text, item.heard_text, item.status) == ("It is noon.", None, "completed")
        upstream.behave("chat", first_byte_ms=0)
        await ask(talk)
        shown = upstream.list_requests("chat")[-1]["asked"]["messages"]
        assert [one["content"] for one in shown if one["role"] == "assistant"] == ["It is noon."]


@pytest.mark.parametrize(
    "thoughts",
    [(THOUGHT,) * 18, (say("<think>"), *[say("Hm. ")] * 16, say("</think>"))],
    ids=["in their own field", "between tags"],
)
async def test_a_model_that_thinks_longer_than_the_budget_answers(
    connect: Connect, hurried_site: Site, upstream: Upstream, thoughts: tuple[bytes, ...]
) -> None:
    upstream.script(replies=(Raw((*thoughts, ANSWER), pause_ms=200).build_script(),))
    async with connect(url=hurried_site.url) as talk:
        ending, took_sec = await ask(talk)
        assert (ending, took_sec > BUDGET_SEC + 0.5) == ("completed", True)
        assert talk.collect_audio() == make_speech(FILLER) + make_speech("It is noon.")


async def test_one_that_thinks_without_an_end_is_given_up(
    connect: Connect, hurried_site: Site, upstream: Upstream
) -> None:
    upstream.script(replies=(Raw((THOUGHT,) * 60, pause_ms=200).build_script(), "Yes."))
    async with connect(url=hurried_site.url) as talk:
        ending, took_sec = await ask(talk)
        assert ending == "failed response_timeout"
        assert BUDGET_SEC + THINKING_SEC - 0.2 < took_sec < BUDGET_SEC + THINKING_SEC + 1
        upstream.wait_for("chat", "closed_by_peer")
        assert (await ask(talk))[0] == "completed"


@pytest.mark.parametrize("slow", ["chat", "speech"])
async def test_one_that_is_too_slow_is_given_up(
    connect: Connect, hurried_site: Site, upstream: Upstream, slow: str
) -> None:
    upstream.behave(slow, first_byte_ms=8_000)
    async with connect(url=hurried_site.url) as talk:
        ending, took_sec = await ask(talk)
        assert ending.split()[1] in ("response_timeout", "engine_timeout")
        assert BUDGET_SEC - 0.1 < took_sec < BUDGET_SEC + 1
        upstream.wait_for(slow, "closed_by_peer")
        upstream.behave(slow, first_byte_ms=0)
        assert (await ask(talk))[0] == "completed"


async def test_three_that_are_slow_share_one_budget(
    connect: Connect, hurried_site: Site, upstream: Upstream, utterance: bytes
) -> None:
    for endpoint in ("transcriptions", "live_transcriptions", "chat", "speech"):
        upstream.behave(endpoint, first_byte_ms=1_500, final_ms=1_500)
    async with connect(url=hurried_site.url) as talk:
        await talk.say(utterance)
        await talk.wait_for("input_audio_buffer.committed")
        began_at = time.monotonic()
        done = await talk.wait_for("response.done")
        assert done["response"]["status"] == "failed"
        assert time.monotonic() - began_at < BUDGET_SEC + 1


async def test_speech_that_drips_is_given_up(connect: Connect, hurried_site: Site, upstream: Upstream) -> None:
    upstream.behave("speech", piece_bytes=2, piece_ms=300)
    async with connect(url=hurried_site.url) as talk:
        await talk.type("What time is it?")
        done = await talk.wait_for("response.done", patience_sec=12)
        assert done["response"]["status"] == "failed"


async def test_a_turn_over_http_has_the_same_budget_and_no_filler(
    hurried_site: Site, key: str, upstream: Upstream, utterance: bytes
) -> None:
    """Its reply becomes a file, to which nobody listens yet."""
    upstream.script(replies=("It is noon.",))
    upstream.behave("chat", first_byte_ms=1_500)
    async with http_turns.build_client(hurried_site, key) as caller:
        answer = await caller.post(
            "/v1/voice/turns", content=http_turns.make_wav(utterance), headers={"Accept": "audio/pcm"}
        )
        assert answer.content == make_speech("It is noon.")
        upstream.behave("chat", first_byte_ms=0)
        upstream.script(replies=(Raw((*(THOUGHT,) * 18, ANSWER), pause_ms=200).build_script(),))
        answer = await caller.post(
            "/v1/voice/turns", content=http_turns.make_wav(utterance), headers={"Accept": "audio/pcm"}
        )
        assert answer.content == make_speech("It is noon.")
        upstream.behave("chat", first_byte_ms=8_000)
        answer = await caller.post("/v1/voice/turns", content=http_turns.make_wav(utterance))
    assert (answer.status_code, http_turns.get_error(answer)["code"]) in [
        (504, "response_timeout"),
        (504, "engine_timeout"),
    ]


async def test_a_thought_that_only_closes_is_not_said(connect: Connect, hurried_site: Site, upstream: Upstream) -> None:
    """This is the last test here: from now on the site waits for the closing tag in this server's replies."""
    thought = say("Be polite. ") + say("Then answer.\n</think>\n\n")
    slow = Raw((say("Be polite. "), say("Then answer.\n</think>\n\n"), ANSWER), pause_ms=300)
    upstream.script(replies=(Raw((thought + ANSWER,)).build_script(), slow.build_script(), "Yes."))
    async with connect(url=hurried_site.url) as talk:
        for _ in range(2):
            assert (await ask(talk))[0] == "completed"
        assert talk.collect_audio() == make_speech("It is noon.") * 2
        assert "polite" not in json.dumps(talk.events)
        texts = [one.text async for one in Item.objects.filter(conversation__public_id=talk.conversation_id)]
        assert texts == ["What time is it?", "It is noon."] * 2
        await ask(talk)
    assert "polite" not in json.dumps(upstream.list_requests("chat")[-1]["asked"]["messages"])
