"""Clients of the beta dialect hold whole conversations, and are told of it by nothing but the way they connect."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.resources.beta.realtime.realtime import AsyncRealtimeConnection
from websockets.asyncio.client import connect as open_socket
from websockets.typing import Subprotocol

from conversations.audio.g711 import MU_LAW
from tests.support.formats import decode_pcm, encode_g711, measure_likeness
from tests.support.live import Site
from tests.support.official_client import FRAME, drop_repeats
from tests.support.realtime import wire
from tests.support.realtime.harness import BETA_REPLY
from tests.upstream.fixtures import Upstream
from tests.upstream.sound import make_speech

pytestmark = pytest.mark.usefixtures("committed_db")
MODEL = "gpt-4o-realtime-preview"


class Talk:
    def __init__(self, connection: AsyncRealtimeConnection) -> None:
        self.send = connection
        self.events: list[dict[str, Any]] = []

    async def wait_for(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(20):
            while not self.events or self.events[-1]["type"] != kind:
                await self._receive_next()
        return self.events[-1]

    async def _receive_next(self) -> None:
        event = json.loads(await self.send.recv_bytes())
        wire.check_beta_event(event)
        self.events.append(event)

    @property
    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events]


Connect = Callable[[], AbstractAsyncContextManager[Talk]]


@pytest.fixture
def connect(site: Site, key: str, upstream: Upstream) -> Connect:
    @asynccontextmanager
    async def open_talk() -> AsyncIterator[Talk]:
        client = AsyncOpenAI(api_key=key, base_url=f"{site.url}/v1", websocket_base_url=f"{site.ws_url}/v1")
        async with client.beta.realtime.connect(model=MODEL) as connection:
            yield Talk(connection)

    return open_talk


async def test_a_text_turn(connect: Connect, upstream: Upstream) -> None:
    upstream.script(replies=("Four it is.",))
    async with connect() as talk:
        await talk.send.session.update(session={"modalities": ["text"], "temperature": 0.7})
        updated = await talk.wait_for("session.updated")
        assert (updated["session"]["modalities"], updated["session"]["temperature"]) == (["text"], 0.7)
        assert updated["session"]["model"] == MODEL
        part = {"type": "input_text", "text": "What is two and two?"}
        await talk.send.conversation.item.create(item={"type": "message", "role": "user", "content": [part]})  # type: ignore[list-item]
        await talk.send.response.create()
        done = await talk.wait_for("response.done")
    assert talk.kinds[:4] == [
        "session.created",
        "conversation.created",
        "session.updated",
        "conversation.item.created",
    ]
    assert "response.text.delta" in talk.kinds
    assert done["response"]["output"][0]["content"] == [{"type": "text", "text": "Four it is."}]


async def test_a_spoken_turn(connect: Connect, upstream: Upstream, utterance: bytes) -> None:
    upstream.script(transcripts=("Good morning, can you hear me?",), replies=("I hear you well.",))
    async with connect() as talk:
        for start in range(0, len(utterance), FRAME):
            audio = base64.b64encode(utterance[start : start + FRAME]).decode()
            await talk.send.input_audio_buffer.append(audio=audio)
        await talk.send.input_audio_buffer.append(audio=base64.b64encode(bytes(10 * FRAME)).decode())
        done = await talk.wait_for("response.done")
    assert drop_repeats(talk.kinds)[-len(BETA_REPLY) :] == BETA_REPLY
    assert done["response"]["output"][0]["content"] == [{"type": "audio", "transcript": "I hear you well."}]


async def test_a_telephone_call(connect: Connect, upstream: Upstream, utterance: bytes) -> None:
    upstream.script(transcripts=("Good morning, can you hear me?",), replies=("I hear you well.",) * 4)
    async with connect() as talk:
        formats: Any = {"input_audio_format": "g711_ulaw", "output_audio_format": "g711_alaw"}
        await talk.send.session.update(session=formats)
        data = encode_g711(MU_LAW, utterance + bytes(10 * FRAME))
        for start in range(0, len(data), 160):
            await talk.send.input_audio_buffer.append(audio=base64.b64encode(data[start : start + 160]).decode())
        done = await talk.wait_for("response.done")
    assert done["response"]["output_audio_format"] == "g711_alaw"
    deltas = [event["delta"] for event in talk.events if event["type"] == "response.audio.delta"]
    heard = decode_pcm("audio/pcma", b"".join(map(base64.b64decode, deltas)))
    assert measure_likeness(heard, make_speech("I hear you well.")) > 0.98


async def test_a_mistake_is_named_as_beta_spells_it(connect: Connect) -> None:
    async with connect() as talk:
        await talk.send.session.update(session={"speed": 7}, event_id="mine")
        error = (await talk.wait_for("error"))["error"]
    assert (error["param"], error["event_id"]) == ("session.speed", "mine")


async def test_by_subprotocol_as_browsers_do(site: Site, key: str) -> None:
    offered = ["realtime", f"openai-insecure-api-key.{key}", "openai-beta.realtime-v1"]
    url = f"{site.ws_url}/v1/realtime?model={MODEL}"
    async with open_socket(url, subprotocols=[Subprotocol(name) for name in offered]) as socket:
        assert socket.subprotocol == "realtime"
        created = json.loads(await socket.recv())
        wire.check_beta_event(created)
        assert created["session"]["input_audio_format"] == "pcm16"
        await socket.send(json.dumps({"type": "session.update", "session": {"turn_detection": None, "tools": []}}))
        while (event := json.loads(await socket.recv()))["type"] != "session.updated":
            pass
        assert event["session"]["turn_detection"] is None
