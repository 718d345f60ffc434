"""Traces of turns as a real collector gets them, and what neither they nor the log hold."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from asgiref.sync import sync_to_async
from openai import AsyncOpenAI

from conversations.models import Assistant
from tests.support.http_turns import WAV, build_client, make_wav
from tests.support.live import Site, get_metrics, run_site
from tests.support.official_client import Connect, Talk
from tests.support.trace_collector import Collector, SentSpan, run_trace_collector
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db")
TOKEN = "metrics-of-traces"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
HEARD, REPLIED, TYPED, PERSONA = (
    "Mirabelle jam recipes",
    "Boil the mirabelles.",
    "Quince chutney",
    "Speak as a gardener.",
)
SECRETS = ("mirabelle", "boil the", "quince", "chutney", "gardener", "sk-traced")


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with run_trace_collector() as running:
        yield running


@pytest.fixture(scope="module")
def site(database_url: str, upstream_process: Upstream, collector: Collector) -> Iterator[Site]:
    env = {
        "OPENAI_API_KEY": "sk-traced", "OPENAI_BASE_URL": upstream_process.openai_url, "ENGINE_TIMEOUT_SEC": "2",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "50",
        "LOG_LEVEL": "debug", "LOG_FORMAT": "json", "METRICS_TOKEN": TOKEN,
    }  # fmt: skip
    with run_site(database_url, env) as running:
        yield running


def wait_for_turn(collector: Collector, conversation_id: str, status: str = "completed") -> SentSpan:
    """Wait for the span of a conversation's turn."""
    wanted = {"gen_ai.conversation.id": conversation_id, "voiceproject.response.status": status}
    return collector.wait_for(lambda span: wanted.items() <= span.attributes.items())


async def take_spoken_turn(connect: Connect, upstream: Upstream, utterance: bytes) -> str:
    upstream.script(transcripts=(HEARD,), replies=(REPLIED,))
    slug = "traced"
    await Assistant.objects.aget_or_create(slug=slug, defaults={"name": "Traced", "instructions": PERSONA})
    async with connect(assistant=slug) as talk:
        await talk.say(utterance)
        await talk.wait_for("response.done")
        return talk.conversation_id


async def test_it_works(connect: Connect, upstream: Upstream, utterance: bytes, collector: Collector) -> None:
    conversation_id = await take_spoken_turn(connect, upstream, utterance)
    turn = await asyncio.to_thread(wait_for_turn, collector, conversation_id)
    assert (turn.name, turn.parent_id, turn.is_error) == ("invoke_agent traced", "", False)
    assert turn.attributes["gen_ai.operation.name"] == "invoke_agent"
    assert turn.attributes["gen_ai.usage.output_tokens"] > 0
    assert {"endpoint", "transcript", "first_token", "first_audio"} <= set(turn.events)
    assert turn.resource["service.name"] == "voiceproject"
    children = collector.list_children(turn)
    heard, written, spoken = [[one for one in children if one.name.startswith(name)] for name in (
        "speech_to_text gpt-", "chat gpt-", "text_to_speech")]  # fmt: skip
    assert heard
    assert written
    assert spoken
    for one in children:
        assert one.trace_id == turn.trace_id
        assert one.attributes["gen_ai.conversation.id"] == conversation_id
        assert turn.began_at <= one.began_at <= one.ended_at <= turn.ended_at
    used = next(one for one in written if "voiceproject.discarded" not in one.attributes)
    assert used.attributes["gen_ai.provider.name"] == "openai"
    assert used.attributes["gen_ai.request.model"] == "gpt-6-luna"
    assert used.attributes["gen_ai.usage.input_tokens"] > 0
    assert used.attributes["gen_ai.response.time_to_first_chunk"] >= 0
    assert spoken[0].attributes["gen_ai.output.type"] == "speech"


async def test_a_client_continues_its_trace(
    site: Site, key: str, upstream: Upstream, utterance: bytes, collector: Collector
) -> None:
    upstream.script(replies=("Yes.",))
    client = AsyncOpenAI(api_key=key, base_url=f"{site.url}/v1", websocket_base_url=f"{site.ws_url}/v1")
    async with client.realtime.connect(extra_headers={"traceparent": TRACEPARENT}) as connection:
        talk = Talk(connection)
        await talk.type(TYPED)
        await talk.wait_for("response.done")
    turn = await asyncio.to_thread(wait_for_turn, collector, talk.conversation_id)
    assert (turn.trace_id, turn.parent_id) == (TRACE_ID, "00f067aa0ba902b7")
    upstream.script(transcripts=(HEARD,), replies=("Yes.",))
    async with build_client(site, key) as http:
        answer = await http.post(
            "/v1/voice/turns", content=make_wav(utterance), headers={**WAV, "traceparent": TRACEPARENT}
        )
    assert answer.status_code == 200
    turn = await asyncio.to_thread(wait_for_turn, collector, answer.headers["x-conversation-id"])
    assert (turn.trace_id, turn.parent_id) == (TRACE_ID, "00f067aa0ba902b7")


@pytest.mark.parametrize("header", ["", "no trace", "00-0-0-01", "\xff" * 40, TRACEPARENT * 100])
async def test_a_header_that_is_none(site: Site, key: str, header: str) -> None:
    async with build_client(site, key) as http:
        assert (await http.get("/v1/models", headers=[(b"traceparent", header.encode("latin1"))])).status_code == 200


async def test_a_tool_and_an_engine_that_fails(
    connect: Connect, upstream: Upstream, collector: Collector, site: Site
) -> None:
    slug = "traced-tools"
    await Assistant.objects.aget_or_create(
        slug=slug, defaults={"name": "Tools", "instructions": PERSONA, "tools": ["current_time"]}
    )
    upstream.script(replies=({"calls": [{"name": "current_time", "arguments": {}}]}, "Noon."))
    async with connect(assistant=slug) as talk:
        await talk.type(TYPED)
        await talk.wait_for("response.done")
        first = await asyncio.to_thread(wait_for_turn, collector, talk.conversation_id)
        upstream.behave("chat", fault="403")
        await talk.type(TYPED)
        await talk.wait_for("response.done")
        failed = await asyncio.to_thread(wait_for_turn, collector, talk.conversation_id, "failed")
    names = [one.name for one in collector.list_children(first)]
    assert names[:3] == ["chat gpt-6-luna", "execute_tool current_time", "chat gpt-6-luna"]
    assert (failed.is_error, failed.attributes["error.type"]) == (True, "invalid_provider_key")
    chat = collector.list_children(failed)[0]
    assert (chat.is_error, chat.attributes["error.type"]) == (True, "invalid_provider_key")
    told = (await asyncio.to_thread(get_metrics, site, f"Bearer {TOKEN}"))[2]
    call = 'voiceproject_engine_calls_total{engine="llm",model="gpt-6-luna",outcome="%s",provider="openai"}'
    for outcome in ("completed", "failed"):
        assert call % outcome in told
    assert 'voiceproject_engine_first_output_seconds_count{engine="tool",provider="site"}' in told


async def test_a_reply_that_is_cut(connect: Connect, upstream: Upstream, collector: Collector) -> None:
    """Its streams end after the response, and belong to it all the same."""
    upstream.behave("chat", piece_ms=200)
    upstream.script(replies=("One, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve.",))
    async with connect() as talk:
        await talk.type(TYPED)
        await talk.wait_for("response.output_audio.delta")
        await talk.send.response.cancel()
        await talk.wait_for("response.done")
        turn = await asyncio.to_thread(wait_for_turn, collector, talk.conversation_id, "cancelled")
    chat = next(one for one in collector.list_children(turn) if one.name.startswith("chat"))
    assert chat.attributes["voiceproject.cancelled"] is True
    assert not chat.is_error


async def test_no_content_is_in_traces_log_and_metrics(
    connect: Connect, upstream: Upstream, utterance: bytes, collector: Collector, site: Site
) -> None:
    """At the level that tells most, through all that can go wrong with a turn."""
    conversation_id = await take_spoken_turn(connect, upstream, utterance)
    async with connect(conversation=conversation_id) as talk:
        for endpoint, fault in (("chat", "500"), ("speech", "garbage"), ("chat", "cut")):
            upstream.behave(endpoint, fault=fault, fault_times=2)
            await talk.type(TYPED)
            await talk.wait_for("response.done", "error")
    await asyncio.to_thread(wait_for_turn, collector, conversation_id)
    told = (await asyncio.to_thread(get_metrics, site, f"Bearer {TOKEN}"))[2]
    for text in (site.log, collector.raw.decode("latin1"), told):
        assert not [secret for secret in SECRETS if secret in text.lower()]
    lines = [json.loads(line) for line in site.log.splitlines() if line.startswith("{")]
    failure = next(line for line in lines if "engine_event" in line["message"] and line.get("conversation"))
    assert failure["conversation"].startswith("conv_")
    assert failure["turn"].startswith(("resp_", "item_"))
    assert failure["user"].isdecimal()
    assert await sync_to_async(Assistant.objects.filter(slug="traced").exists)()


async def test_a_collector_that_is_away(
    connect: Connect, upstream: Upstream, database_url: str, upstream_process: Upstream
) -> None:
    """Nobody waits for it: neither a turn, nor the site when it stops."""
    env = {"OPENAI_API_KEY": "sk-traced", "OPENAI_BASE_URL": upstream_process.openai_url,
           "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_BSP_SCHEDULE_DELAY": "50"}  # fmt: skip
    with run_site(database_url, env) as site:
        async with connect(url=site.url) as talk:
            await talk.type(TYPED)
            await talk.wait_for("response.done")
    assert site.process.poll() == 0
    assert "Traceback" not in site.log
