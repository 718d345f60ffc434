"""A site whose engines are the emulated upstream, and the official client to talk to it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from accounts import api_keys
from accounts.models import User
from conversations.engines.base import EngineSpec
from conversations.engines.demo.tts import EspeakNG
from conversations.realtime.audio import BYTES_PER_MS
from tests.support import http_turns
from tests.support.live import Site, running_site
from tests.support.realtime import wire
from tests.upstream.fixtures import Upstream

MANUAL = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
FRAME = 100 * BYTES_PER_MS


class Talk:
    """One connection of the official client; every event it gets is checked against the SDK's types."""

    def __init__(self, connection: AsyncRealtimeConnection) -> None:
        self.send = connection
        self.events: list[dict[str, Any]] = []

    async def next(self) -> dict[str, Any]:
        raw = (await self.send.recv_bytes()).decode()
        event: dict[str, Any] = json.loads(raw)
        wire.check(event, raw)
        self.events.append(event)
        wire.check_order(self.events)
        return event

    async def until(self, *kinds: str, timeout_sec: float = 20.0) -> dict[str, Any]:
        async with asyncio.timeout(timeout_sec):
            while (event := await self.next())["type"] not in kinds:
                pass
        return event

    async def say(self, pcm: bytes) -> None:
        """An utterance as fast as the socket takes it, and a second of silence."""
        for start in range(0, len(pcm), FRAME):
            await self.send.input_audio_buffer.append(audio=base64.b64encode(pcm[start : start + FRAME]).decode())
        await self.send.input_audio_buffer.append(audio=base64.b64encode(bytes(10 * FRAME)).decode())

    async def type(self, text: str) -> None:
        part = {"type": "input_text", "text": text}
        await self.send.conversation.item.create(item={"type": "message", "role": "user", "content": [part]})  # type: ignore[arg-type,misc]
        await self.send.response.create()

    @property
    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events]

    @property
    def conversation_id(self) -> str:
        found = next(event for event in self.events if event["type"] == "conversation.created")
        return str(found["conversation"]["id"])

    def audio(self) -> bytes:
        deltas = [event["delta"] for event in self.events if event["type"] == "response.output_audio.delta"]
        return b"".join(map(base64.b64decode, deltas))


Connect = Callable[..., AbstractAsyncContextManager[Talk]]


@pytest.fixture(scope="session")
def site(database_url: str, upstream_process: Upstream) -> Iterator[Site]:
    env = {"OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream_process.openai_url, "ENGINE_TIMEOUT_SEC": "2"}
    with running_site(database_url, env) as running:
        yield running


@pytest.fixture
def user(committed_db: None) -> User:
    return User.objects.create_user(f"{uuid4().hex}@example.com", "correct horse")


@pytest.fixture
def key(user: User) -> str:
    return api_keys.create(user, "tests")[1]


@pytest.fixture
def connect(site: Site, key: str, upstream: Upstream) -> Connect:
    """`async with connect(assistant=…) as talk`: the session was created, `turn_detection` as by default."""

    @asynccontextmanager
    async def connected(key: str = key, url: str = site.url, **query: str) -> AsyncIterator[Talk]:
        client = AsyncOpenAI(api_key=key, base_url=f"{url}/v1", websocket_base_url=f"{url}/v1".replace("http", "ws"))
        async with client.realtime.connect(extra_query=query) as connection:
            yield Talk(connection)

    return connected


@pytest.fixture(scope="session")
def utterance() -> bytes:
    """About two seconds of speech."""
    return asyncio.run(speech("Good morning, can you hear me well?"))


async def speech(words: str) -> bytes:
    """PCM, 24 kHz."""
    return b"".join([pcm async for pcm in EspeakNG(EngineSpec("demo")).speak(words)])


@pytest.fixture
async def caller(site: Site, key: str) -> AsyncIterator[httpx2.AsyncClient]:
    """For turns over HTTP."""
    async with http_turns.client(site, key) as opened:
        yield opened
