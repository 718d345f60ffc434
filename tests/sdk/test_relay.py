"""The official client talks to an assistant that answers by speech to speech, relayed by a live server."""

import asyncio
import base64
import json
import signal
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from openai import AsyncOpenAI
from websockets.exceptions import ConnectionClosed

from conversations.models import Assistant, Conversation
from conversations.pcm import BYTES_PER_MS
from tests.support.live import Site
from tests.support.official_client import MANUAL, Connect, drop_repeats, load_items, load_sound
from tests.support.realtime import wire
from tests.support.realtime.wire import SPOKEN_REPLY
from tests.upstream.fixtures import Upstream
from tests.upstream.realtime_responses import ORGANIZATION

pytestmark = pytest.mark.usefixtures("committed_db")
LIVE, RESPONSES = "live_conversations", "live_responses"
MODEL = "gpt-realtime-2.1"


@pytest.fixture
def slug(committed_db: None) -> str:
    name = f"s2s-{uuid4().hex[:12]}"
    Assistant.objects.create(slug=name, name=name, instructions="Be brief.", s2s_engine="openai", tts_voice="cedar")
    return name


@pytest.fixture
def query(slug: str) -> dict[str, str]:
    return {"assistant": slug}


async def test_a_typed_turn(connect: Connect, upstream: Upstream, query: dict[str, str]) -> None:
    upstream.script(replies=("Four it is.",))
    async with connect(**query) as talk:
        await talk.wait_for("conversation.created")
        await talk.type("What is two and two?")
        done = await talk.wait_for("response.done")
        await talk.wait_for("rate_limits.updated")
    assert drop_repeats(talk.kinds[2:])[:2] == ["conversation.item.added", "conversation.item.done"]
    assert [kind for kind in drop_repeats(talk.kinds[4:]) if not kind.endswith("delta")] == [
        *(kind for kind in SPOKEN_REPLY if not kind.endswith("delta")),
        "rate_limits.updated",
    ]
    assert done["response"]["output"][0]["content"] == [{"type": "output_audio", "transcript": "Four it is."}]
    assert done["response"]["conversation_id"] == talk.conversation_id
    question, answer = await load_items(talk.conversation_id)
    assert (question.text, question.is_audio) == ("What is two and two?", False)
    assert (answer.text, answer.status, answer.heard_text) == ("Four it is.", "completed", None)
    assert answer.llm == f"openai:{MODEL}:cedar"
    assert answer.waterfall.keys() >= {"endpoint", "first_token", "first_audio", "done"}
    assert 0 < answer.output_audio_tokens < answer.output_tokens
    assert abs(len(await load_sound(answer)) - len(talk.collect_audio())) < 50 * BYTES_PER_MS


async def test_the_session_is_ours_and_upstream_has_its_settings(
    connect: Connect, upstream: Upstream, query: dict[str, str]
) -> None:
    async with connect(**query) as talk:
        session: Any = {"type": "realtime", "instructions": "Sing.", "audio": {"output": {"voice": "echo"}}}
        await talk.send.session.update(session=session)
        updated = (await talk.wait_for("session.updated"))["session"]
        created = talk.events[0]["session"]
        assert (updated["id"], updated["model"]) == (created["id"], query["assistant"])
        assert (updated["instructions"], updated["audio"]["output"]["voice"]) == ("Sing.", "echo")
        assert "sk-site" not in str(talk.events)
    [seen] = upstream.list_requests(LIVE)
    assert (seen["key"], seen["asked"]["model"]) == ("sk-site", MODEL)
    there = seen["asked"]["session"]
    assert (there["instructions"], there["audio"]["output"]["voice"]) == ("Sing.", "echo")
    assert created["id"] != there["id"]
    assert there["audio"]["input"]["transcription"]["model"] == "gpt-transcribe"


async def test_a_spoken_turn(connect: Connect, upstream: Upstream, query: dict[str, str], utterance: bytes) -> None:
    upstream.script(transcripts=("Good morning, can you hear me?",), replies=("I hear you well.",))
    async with connect(**query) as talk:
        await talk.say(utterance)
        await talk.wait_for("response.done")
        await talk.wait_for("conversation.item.input_audio_transcription.completed")
    heard = [kind for kind in talk.kinds if kind.startswith("input_audio_buffer")]
    assert heard == [f"input_audio_buffer.{name}" for name in ("speech_started", "speech_stopped", "committed")]
    question, answer = await load_items(talk.conversation_id)
    assert (question.text, question.stt) == ("Good morning, can you hear me?", "openai:gpt-transcribe")
    said, replied = [await load_sound(item) for item in (question, answer)]
    assert len(said) > len(utterance) * 0.8
    assert abs(len(replied) - len(talk.collect_audio())) < 50 * BYTES_PER_MS
    assert question.stt_seconds > 1
    starts = next(event for event in talk.events if event["type"].endswith("speech_started"))["audio_start_ms"]
    ends = next(event for event in talk.events if event["type"].endswith("speech_stopped"))["audio_end_ms"]
    assert abs(question.audio_ms - (ends - starts)) <= 1


async def test_a_manual_turn(connect: Connect, upstream: Upstream, query: dict[str, str], utterance: bytes) -> None:
    upstream.script(transcripts=("Tell me a joke.",))
    async with connect(**query) as talk:
        await talk.send.session.update(session=MANUAL)  # type: ignore[arg-type]
        await talk.say(utterance)
        await talk.send.input_audio_buffer.commit()
        await talk.send.response.create()
        done = await talk.wait_for("response.done")
        await talk.wait_for("conversation.item.input_audio_transcription.completed")
    assert done["response"]["output"][0]["content"][0]["transcript"] == "You said: Tell me a joke."
    question = (await load_items(talk.conversation_id))[0]
    assert question.audio_ms >= len(utterance) // BYTES_PER_MS + 1000


async def test_barge_in(connect: Connect, upstream: Upstream, query: dict[str, str], utterance: bytes) -> None:
    upstream.behave(RESPONSES, realtime=1.0)
    upstream.script(
        transcripts=("Tell me everything.", *["Stop."] * 3), replies=("This will take long. " * 20, "Sorry.")
    )
    async with connect(**query) as talk:
        session: Any = {"type": "realtime", "extensions": ["playback", "captions"]}
        await talk.send.session.update(session=session)
        assert (await talk.wait_for("session.updated"))["session"]["extensions"] == ["playback"]
        await talk.say(utterance)
        first = await talk.wait_for("response.output_audio.delta")
        await talk.say(utterance)
        cleared = await wait_for_raw(talk, "output_audio_buffer.cleared")
        assert cleared["response_id"] == first["response_id"]
        cancelled = await talk.wait_for("response.done")
        assert cancelled["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
        assert cancelled["response"]["timing"]["done"] >= cancelled["response"]["timing"]["first_audio"]
        cut: Any = {"item_id": first["item_id"], "content_index": 0, "audio_end_ms": 40}
        await talk.send.conversation.item.truncate(**cut)
        assert cut.items() <= (await talk.wait_for("conversation.item.truncated")).items()
        upstream.behave(RESPONSES, realtime=0.0)
        await talk.wait_for("response.done")
    items = await load_items(talk.conversation_id)
    assert [item.role for item in items] == ["user", "assistant", "user", "assistant"]
    assert items[1].text.startswith("This")
    assert (items[1].heard_text, items[1].heard_ms, items[1].status) == ("", 40, "incomplete")


async def wait_for_raw(talk: Any, kind: str) -> dict[str, Any]:
    """Return the next event of this kind, which is an extension and unknown to the official types."""
    async with asyncio.timeout(20):
        while (event := json.loads(await talk.send.recv_bytes()))["type"] != kind:
            talk.events.append(event)
    return dict(event)


async def test_a_function_call_goes_both_ways(connect: Connect, upstream: Upstream, query: dict[str, str]) -> None:
    upstream.script(replies=({"calls": [{"name": "weather", "arguments": {"city": "Paris"}}]}, "It is warm."))
    tool = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}
    async with connect(**query) as talk:
        session: Any = {"type": "realtime", "tools": [tool]}
        await talk.send.session.update(session=session)
        await talk.type("What is the weather?")
        call = (await talk.wait_for("response.done"))["response"]["output"][0]
        output: Any = {"type": "function_call_output", "call_id": call["call_id"], "output": "20 degrees"}
        await talk.send.conversation.item.create(item=output)
        await talk.send.response.create()
        await talk.wait_for("response.done")
    items = await load_items(talk.conversation_id)
    assert [item.type for item in items] == ["message", "function_call", "function_call_output", "message"]
    assert items[1].call["arguments"] == '{"city": "Paris"}'
    assert upstream.list_requests(LIVE)[0]["asked"]["session"]["tools"][0]["name"] == "weather"


async def test_what_upstream_refuses_is_told_to_the_client(
    connect: Connect, upstream: Upstream, query: dict[str, str]
) -> None:
    async with connect(**query) as talk:
        session: Any = {"type": "realtime", "audio": {"output": {"voice": "nobody"}}}
        await talk.send.session.update(session=session, event_id="mine")
        error = (await talk.wait_for("error"))["error"]
        assert (error["event_id"], error["param"]) == ("mine", "session.audio.output.voice")
        await talk.send.session.update(session={"type": "realtime"})
        assert (await talk.wait_for("session.updated"))["session"]["audio"]["output"]["voice"] == "cedar"
        await talk.send.response.cancel()
        assert (await talk.wait_for("error"))["error"]["code"] == "response_cancel_not_active"


async def test_a_conversation_goes_on_later(connect: Connect, upstream: Upstream, query: dict[str, str]) -> None:
    upstream.script(replies=("I shall remember it.",))
    async with connect(**query) as talk:
        await talk.type("My cat is called Tom.")
        await talk.wait_for("response.done")
    async with connect(conversation=talk.conversation_id) as later:
        await later.wait_for("conversation.item.done")
        await later.wait_for("conversation.item.done")
        await later.type("What is my cat called?")
        await later.wait_for("response.done")
    context = upstream.list_requests(RESPONSES)[-1]["asked"]["context"]
    assert context == [
        ["user", "My cat is called Tom."],
        ["assistant", "I shall remember it."],
        ["user", "What is my cat called?"],
    ]
    assert len(await load_items(talk.conversation_id)) == 4


async def test_a_lost_upstream_is_found_again(connect: Connect, upstream: Upstream, query: dict[str, str]) -> None:
    upstream.script(replies=("Hello.", "This reply is cut off in its middle.", "Here again."))
    async with connect(**query) as talk:
        await talk.type("Hello?")
        await talk.wait_for("response.done")
        upstream.behave(RESPONSES, fault="cut", fault_after=5, fault_times=1)
        await talk.type("Go on.")
        failed = (await talk.wait_for("response.done"))["response"]
        assert (failed["status"], failed["output"][0]["status"]) == ("failed", "incomplete")
        assert "broke off" in failed["status_details"]["error"]["message"]
        await talk.type("And now?")
        assert (await talk.wait_for("response.done"))["response"]["status"] == "completed"
    assert len(upstream.list_requests(LIVE)) == 2
    context = upstream.list_requests(RESPONSES)[-1]["asked"]["context"]
    assert [role for role, _ in context] == ["user", "assistant", "user", "assistant", "user"]
    items = await load_items(talk.conversation_id)
    assert (items[3].status, items[3].error_code) == ("incomplete", "engine_unavailable")


@pytest.mark.parametrize(("fault", "code"), [("401", 1008), ("500", 1013)])
async def test_an_upstream_that_cannot_be_had(
    connect: Connect, upstream: Upstream, query: dict[str, str], fault: str, code: int
) -> None:
    upstream.behave(LIVE, fault=fault)
    async with connect(**query) as talk:
        with pytest.raises(ConnectionClosed) as closed:
            await talk.wait_for("never")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code
    errors = [event["error"]["message"] for event in talk.events if event["type"] == "error"]
    assert "Speech to speech" in errors[-1]


async def test_new_calls_of_an_assistant_with_three_engines_too_go_to_those_meanwhile(
    connect: Connect, upstream: Upstream
) -> None:
    slug, model = f"s2s-{uuid4().hex[:12]}", f"realtime-{uuid4().hex[:12]}"  # a circuit of its own
    engines = {"s2s_engine": "openai", "s2s_model": model, "llm_engine": "openai"}
    await Assistant.objects.acreate(slug=slug, name=slug, instructions="Be brief.", **engines)
    upstream.behave(LIVE, fault="401")
    for _ in range(3):
        async with connect(assistant=slug) as talk:
            with pytest.raises(ConnectionClosed):
                await talk.wait_for("never")
    async with connect(assistant=slug) as talk:
        await talk.type("Are you there?")
        assert (await talk.wait_for("response.done"))["response"]["status"] == "completed"
    assert [item.llm for item in await load_items(talk.conversation_id)][1] == "openai:gpt-6-luna"


@pytest.mark.parametrize(
    ("fault", "says"),
    [("429_quota", "no credit"), ("403", "Country not supported"), ("failed", "a problem on its side")],
)
async def test_a_response_that_fails_upstream(
    connect: Connect, upstream: Upstream, query: dict[str, str], fault: str, says: str
) -> None:
    upstream.behave(RESPONSES, fault=fault, fault_after=2, fault_times=1)
    async with connect(**query) as talk:
        await talk.type("Hello?")
        error = (await talk.wait_for("response.done"))["response"]["status_details"]["error"]
        assert says in error["message"]
        await talk.type("And now?")
        assert (await talk.wait_for("response.done"))["response"]["status"] == "completed"
    assert ORGANIZATION not in str(talk.events)
    items = await load_items(talk.conversation_id)
    assert [item.error_message for item in items if item.error_code] == [error["message"]]


@pytest.mark.parametrize("stop_at", ["input_audio_buffer.committed", "conversation.item.added", "response.done"])
async def test_a_killed_server_loses_no_item_that_was_told(
    start_site: Callable[..., Site], connect: Connect, upstream: Upstream, slug: str, utterance: bytes, stop_at: str
) -> None:
    site = start_site(OPENAI_API_KEY="sk-site", OPENAI_BASE_URL=upstream.openai_url)
    async with connect(url=site.url, assistant=slug) as talk:
        await talk.say(utterance)
        await talk.wait_for(stop_at)
        site.process.send_signal(signal.SIGKILL)
        with pytest.raises(ConnectionClosed):
            await talk.wait_for("never")
    told = {event["item"]["id"] for event in talk.events if event["type"] == "conversation.item.added"}
    told |= {event["item_id"] for event in talk.events if event["type"] == "input_audio_buffer.committed"}
    items = await load_items(talk.conversation_id)
    assert told <= {item.public_id for item in items}
    assert all(item.clip.size_bytes > 1000 for item in items if item.role == "user")


async def test_a_deleted_conversation_ends_its_session(
    connect: Connect, upstream: Upstream, query: dict[str, str]
) -> None:
    async with connect(**query) as talk:
        await talk.wait_for("conversation.created")
        await Conversation.objects.filter(public_id=talk.conversation_id).adelete()
        await talk.type("Hello?")
        assert (await talk.wait_for("error"))["error"]["code"] == "conversation_deleted"
        assert not [kind for kind in talk.kinds if kind.startswith("conversation.item")]


async def test_clients_of_the_beta_dialect(site: Site, key: str, upstream: Upstream, slug: str) -> None:
    upstream.script(replies=("Four it is.",))
    client = AsyncOpenAI(api_key=key, base_url=f"{site.url}/v1", websocket_base_url=f"{site.ws_url}/v1")
    async with client.beta.realtime.connect(model=slug) as connection, asyncio.timeout(20):
        part: Any = {"type": "input_text", "text": "What is two and two?"}
        await connection.conversation.item.create(item={"type": "message", "role": "user", "content": [part]})
        await connection.response.create()
        events: list[dict[str, Any]] = []
        while not events or events[-1]["type"] != "response.done":
            events.append(json.loads(await connection.recv_bytes()))
            wire.check_beta_event(events[-1])
    assert {"response.audio.delta", "response.audio_transcript.done"} <= {event["type"] for event in events}
    assert events[-1]["response"]["output"][0]["content"][0]["transcript"] == "Four it is."


async def test_g711(connect: Connect, upstream: Upstream, query: dict[str, str]) -> None:
    async with connect(**query) as talk:
        law = {"format": {"type": "audio/pcmu"}}
        session: Any = {"type": "realtime", "audio": {"output": law}}
        await talk.send.session.update(session=session)
        await talk.type("Hello?")
        done = await talk.wait_for("response.done")
    assert done["response"]["audio"]["output"]["format"] == {"type": "audio/pcmu"}
    answer = (await load_items(talk.conversation_id))[-1]
    assert abs(len(talk.collect_audio()) / 8 - answer.audio_ms) < 60


async def test_a_hang_up_keeps_the_last_words(
    connect: Connect, upstream: Upstream, query: dict[str, str], utterance: bytes
) -> None:
    upstream.script(transcripts=("My last words.",))
    async with connect(**query) as talk:
        await talk.send.input_audio_buffer.append(audio=base64.b64encode(utterance).decode())
        await talk.wait_for("input_audio_buffer.speech_started")
        conversation_id = talk.conversation_id
    await asyncio.to_thread(upstream.wait_for, LIVE, "closed_by_peer")
    items = await load_items(conversation_id)
    assert [item.text for item in items] == ["My last words."]


async def test_words_committed_before_a_hang_up_are_kept(
    connect: Connect, upstream: Upstream, query: dict[str, str], utterance: bytes
) -> None:
    upstream.script(transcripts=("My last words.",))
    async with connect(**query) as talk:
        await talk.send.session.update(session=MANUAL)  # type: ignore[arg-type]
        await talk.wait_for("session.updated")
        await talk.send.input_audio_buffer.clear()
        await talk.send.input_audio_buffer.append(audio=base64.b64encode(utterance).decode())
        await talk.send.input_audio_buffer.commit()
        conversation_id = talk.conversation_id
    await asyncio.to_thread(upstream.wait_for, LIVE, "closed_by_peer")
    [item] = await load_items(conversation_id)
    assert (item.text, item.audio_ms) == ("My last words.", len(utterance) // BYTES_PER_MS)
