"""The emulated Realtime conversation keeps the protocol, so that what works with it works with the real one."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from openai import AsyncOpenAI, AuthenticationError, RateLimitError
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.official_client import MANUAL, Talk, drop_repeats
from tests.support.realtime.wire import SPOKEN_REPLY
from tests.upstream.fixtures import Upstream
from tests.upstream.sound import make_speech

LOUD = make_speech("Good morning to you.")
HEARD = ["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped", "input_audio_buffer.committed"]


@asynccontextmanager
async def open_talk(upstream: Upstream, key: str = "sk-test") -> AsyncIterator[Talk]:
    url = upstream.openai_url
    async with (
        AsyncOpenAI(api_key=key, base_url=url, websocket_base_url=url.replace("http", "ws")) as client,
        client.realtime.connect(model="gpt-realtime-2.1") as connection,
    ):
        yield Talk(connection)


async def test_a_typed_turn(upstream: Upstream) -> None:
    upstream.script(replies=("Four it is, I should say.",))
    async with open_talk(upstream) as talk:
        await talk.type("What is two and two?")
        await talk.wait_for("rate_limits.updated")
    added = ["conversation.item.added", "conversation.item.done"]
    spoken = [kind for kind in drop_repeats(talk.kinds) if not kind.endswith(".delta")]
    assert spoken == [
        "session.created",
        *added,
        *(kind for kind in SPOKEN_REPLY if not kind.endswith(".delta")),
        "rate_limits.updated",
    ]
    assert talk.collect_audio() == make_speech("Four it is, I should say.")
    response = next(event for event in talk.events if event["type"] == "response.done")["response"]
    assert response["usage"]["output_token_details"]["audio_tokens"] > 0
    [seen] = upstream.list_requests("live_responses")
    assert seen["asked"]["context"] == [["user", "What is two and two?"]]


async def test_a_spoken_turn_is_detected_and_transcribed(upstream: Upstream) -> None:
    upstream.script(transcripts=("Good morning to you.",), replies=("And to you.",))
    async with open_talk(upstream) as talk:
        session: Any = {"type": "realtime", "audio": {"input": {"transcription": {"model": "gpt-transcribe"}}}}
        await talk.send.session.update(session=session)
        await talk.say(LOUD)
        await talk.wait_for("response.done")  # at once; the words come a tenth of a second later
        await talk.wait_for("conversation.item.input_audio_transcription.completed")
    assert [kind for kind in talk.kinds if kind.startswith("input_audio_buffer")] == HEARD
    assert len({event["item_id"] for event in talk.events if event["type"] in HEARD}) == 1
    words = next(event for event in talk.events if event["type"].endswith("transcription.completed"))
    assert words["transcript"] == "Good morning to you."


async def test_a_manual_turn(upstream: Upstream) -> None:
    async with open_talk(upstream) as talk:
        await talk.send.session.update(session=MANUAL)  # type: ignore[arg-type]
        await talk.send.input_audio_buffer.commit()
        assert (await talk.wait_for("error"))["error"]["code"] == "input_audio_buffer_commit_empty"
        await talk.say(LOUD)
        await talk.send.input_audio_buffer.commit()
        await talk.send.response.create()
        await talk.wait_for("response.done")
    assert "input_audio_buffer.speech_started" not in talk.kinds


async def test_barge_in_and_truncation(upstream: Upstream) -> None:
    upstream.behave("live_responses", realtime=1.0)
    upstream.script(replies=("This will take long. " * 20,))
    async with open_talk(upstream) as talk:
        await talk.type("Tell me everything.")
        delta = await talk.wait_for("response.output_audio.delta")
        await talk.say(LOUD)
        done = (await talk.wait_for("response.done"))["response"]
        assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
        cut: Any = {"item_id": delta["item_id"], "content_index": 0, "audio_end_ms": 40}
        await talk.send.conversation.item.truncate(**cut)
        assert cut.items() <= (await talk.wait_for("conversation.item.truncated")).items()
        await talk.send.conversation.item.truncate(**cut | {"audio_end_ms": 4_000})
        assert (await talk.wait_for("error"))["error"]["code"] == "invalid_value"


async def test_a_function_call(upstream: Upstream) -> None:
    calls = [{"name": "weather", "arguments": {"city": "Paris", "unit": "C"}}]
    upstream.script(replies=({"calls": calls}, "It is warm."))
    async with open_talk(upstream) as talk:
        await talk.type("What is the weather?")
        call = (await talk.wait_for("response.done"))["response"]["output"][0]
        assert (call["name"], json.loads(call["arguments"])["city"]) == ("weather", "Paris")
        output: Any = {"type": "function_call_output", "call_id": call["call_id"], "output": "20"}
        await talk.send.conversation.item.create(item=output)
        await talk.send.response.create()
        await talk.wait_for("response.done")
    assert upstream.list_requests("live_responses")[-1]["asked"]["context"][-1] == ["function_call_output", "20"]


async def test_readings_run_side_by_side(upstream: Upstream) -> None:
    upstream.behave("live_responses", piece_ms=20)
    async with open_talk(upstream) as talk:
        for text in ("One.", "Two."):
            response: Any = {"conversation": "none", "input": [], "instructions": f"Read <read>{text}</read>"}
            await talk.send.response.create(response=response)
        done: list[dict[str, Any]] = []
        while len(done) < 2:
            event = json.loads(await talk.send.recv_bytes())
            done += [event["response"]] if event["type"] == "response.done" else []
            assert not event["type"].startswith("conversation.item")
    assert {one["output"][0]["content"][0]["transcript"] for one in done} == {"One.", "Two."}
    assert {one["conversation_id"] for one in done} == {None}


async def test_cancelling(upstream: Upstream) -> None:
    upstream.behave("live_responses", fault="hang", fault_after=1)
    async with open_talk(upstream) as talk:
        await talk.send.response.cancel()
        assert (await talk.wait_for("error"))["error"]["code"] == "response_cancel_not_active"
        await talk.type("Hello?")
        created = await talk.wait_for("response.created")
        await talk.send.response.create()
        assert (await talk.wait_for("error"))["error"]["code"] == "conversation_already_has_active_response"
        await asyncio.to_thread(upstream.wait_for, "live_responses", "streaming")
        await talk.send.response.cancel(response_id=created["response"]["id"])
        assert (await talk.wait_for("response.done"))["response"]["status"] == "cancelled"
    assert (await asyncio.to_thread(upstream.wait_for, "live_responses", "closed_by_peer"))[0]["pieces"] == 1


async def test_what_is_refused_names_its_event(upstream: Upstream) -> None:
    async with open_talk(upstream) as talk:
        session: Any = {"type": "realtime", "audio": {"output": {"voice": "nobody"}}}
        await talk.send.session.update(session=session, event_id="mine")
        error = (await talk.wait_for("error"))["error"]
    assert (error["param"], error["event_id"]) == ("session.audio.output.voice", "mine")


@pytest.mark.parametrize(("fault", "code"), [("failed", "server_error"), ("429_quota", "insufficient_quota")])
async def test_a_response_fails(upstream: Upstream, fault: str, code: str) -> None:
    upstream.behave("live_responses", fault=fault, fault_after=2)
    async with open_talk(upstream) as talk:
        await talk.type("Hello?")
        response = (await talk.wait_for("response.done"))["response"]
    assert (response["status"], response["status_details"]["error"]["code"]) == ("failed", code)


@pytest.mark.parametrize(("fault", "kind"), [("401", AuthenticationError), ("429_rate", RateLimitError)])
async def test_the_handshake_is_refused(upstream: Upstream, fault: str, kind: type[Exception]) -> None:
    upstream.behave("live_conversations", fault=fault)
    with pytest.raises((kind, InvalidStatus)):
        async with open_talk(upstream):
            pass


@pytest.mark.parametrize("fault", ["cut", "session_expired"])
async def test_the_connection_ends(upstream: Upstream, fault: str) -> None:
    upstream.behave("live_conversations", fault=fault, fault_after=1)
    async with open_talk(upstream) as talk:
        await talk.type("Hello?")
        with pytest.raises(ConnectionClosed):
            await talk.wait_for("never")
    assert ("error" in talk.kinds) == (fault == "session_expired")
