"""The official Python client, of which every event is checked against the SDK's types."""

import asyncio
import base64
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from asgiref.sync import sync_to_async
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from conversations.audio import opus
from conversations.engines.base import EngineSpec
from conversations.engines.demo.tts import EspeakNG
from conversations.models import Conversation, Item
from conversations.pcm import BYTES_PER_MS
from tests.support.patience import PATIENCE_SEC, stretch
from tests.support.realtime import wire

MANUAL = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}


FRAME = 100 * BYTES_PER_MS


class Talk:
    """One connection of the official client; every event it gets is checked against the SDK's types."""

    def __init__(self, connection: AsyncRealtimeConnection) -> None:
        self.send = connection
        self.events: list[dict[str, Any]] = []

    async def receive_next(self) -> dict[str, Any]:
        raw = (await self.send.recv_bytes()).decode()
        event: dict[str, Any] = json.loads(raw)
        wire.check_event(event, raw)
        self.events.append(event)
        wire.check_order(self.events)
        return event

    async def wait_for(self, *kinds: str, patience_sec: float = PATIENCE_SEC) -> dict[str, Any]:
        async with asyncio.timeout(stretch(patience_sec)):
            while (event := await self.receive_next())["type"] not in kinds:
                pass
        return event

    async def say(self, pcm: bytes) -> None:
        """Send an utterance as fast as the socket takes it, and a second of silence."""
        for start in range(0, len(pcm), FRAME):
            await self.send.input_audio_buffer.append(audio=base64.b64encode(pcm[start : start + FRAME]).decode())
        await self.send.input_audio_buffer.append(audio=base64.b64encode(bytes(10 * FRAME)).decode())

    async def type(self, text: str) -> None:
        part = {"type": "input_text", "text": text}
        await self.send.conversation.item.create(item={"type": "message", "role": "user", "content": [part]})  # type: ignore[arg-type,misc]
        await self.send.response.create()

    async def send_frame(self, frame: str | bytes) -> None:
        """Send a frame as it is, past the official client's own checks."""
        await self.send._connection.send(frame)

    def cut(self) -> None:
        """Cut the connection without a goodbye."""
        self.send._connection.transport.abort()

    @property
    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events]

    @property
    def conversation_id(self) -> str:
        found = next(event for event in self.events if event["type"] == "conversation.created")
        return str(found["conversation"]["id"])

    def collect_audio(self) -> bytes:
        deltas = [event["delta"] for event in self.events if event["type"] == "response.output_audio.delta"]
        return b"".join(map(base64.b64decode, deltas))


Connect = Callable[..., AbstractAsyncContextManager[Talk]]


async def synthesize_speech(words: str) -> bytes:
    """Return the words as speech, in PCM at 24 kHz."""
    return b"".join([pcm async for pcm in EspeakNG(EngineSpec("demo")).speak(words)])


def drop_repeats(kinds: list[str]) -> list[str]:
    """Return the kinds without repetitions of one kind in a row."""
    return [kind for place, kind in enumerate(kinds) if not place or kinds[place - 1] != kind]


async def is_over(conversation_id: str) -> bool:
    """Return whether the session of the conversation has ended in order."""
    ended = Conversation.objects.filter(public_id=conversation_id, status=Conversation.Status.ENDED)
    return await ended.aexists()


@sync_to_async
def load_items(conversation_id: str) -> list[Item]:
    items = Conversation.objects.get(public_id=conversation_id).items
    return list(items.select_related("clip").order_by("position"))


@sync_to_async
def load_sound(item: Item) -> bytes:
    return opus.decode(item.clip.file.read())
