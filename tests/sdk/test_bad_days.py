"""Crashes, floods and clients that stop reading."""

import asyncio
import base64
import json
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.conf import settings
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed

from conversations.models import Conversation
from tests.support.live import Site
from tests.support.official_client import Connect, load_items
from tests.support.polling import poll
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db")
TRANSCRIPTION = "conversation.item.input_audio_transcription"


@pytest.mark.parametrize("stop_at", ["input_audio_buffer.committed", "conversation.item.added", "response.done"])
async def test_a_killed_server_loses_no_item_that_was_told(
    start_site: Callable[..., Site], connect: Connect, upstream: Upstream, utterance: bytes, stop_at: str
) -> None:
    site = start_site(OPENAI_API_KEY="sk-site", OPENAI_BASE_URL=upstream.openai_url)
    async with connect(url=site.url) as talk:
        await talk.say(utterance)
        await talk.wait_for(stop_at)
        site.process.send_signal(signal.SIGKILL)
        with pytest.raises(ConnectionClosed):
            await talk.wait_for("never")
    told = {event["item"]["id"] for event in talk.events if event["type"] == "conversation.item.added"}
    told |= {event["item_id"] for event in talk.events if event["type"] == "input_audio_buffer.committed"}
    said = [event["transcript"] for event in talk.events if event["type"].endswith("transcription.completed")]
    items = await load_items(talk.conversation_id)
    assert told <= {item.public_id for item in items}
    stored = [item.text for item in items if item.role == "user" and item.text]
    assert stored[: len(said)] == said  # what was stored last may not have been told yet
    assert all(item.clip.size_bytes > 1000 for item in items if item.role == "user")


async def test_what_was_being_said_as_the_server_was_killed_is_there_and_can_be_transcribed(
    start_site: Callable[..., Site], connect: Connect, upstream: Upstream, utterance: bytes
) -> None:
    site = start_site(OPENAI_API_KEY="sk-site", OPENAI_BASE_URL=upstream.openai_url)
    async with connect(url=site.url) as talk:
        await talk.send.input_audio_buffer.append(audio=base64.b64encode(utterance).decode())
        item_id = (await talk.wait_for("input_audio_buffer.speech_started"))["item_id"]
        name = f"*-{talk.conversation_id}.utterance"
        await poll(lambda: asyncio.to_thread(lambda: list(settings.SPOOL_DIR.glob(name))))
        site.process.kill()
        with pytest.raises(ConnectionClosed):
            await talk.wait_for("never")
    upstream.script(transcripts=("Good morning.",))
    async with connect(conversation=talk.conversation_id) as later:
        retry: Any = {"type": "realtime", "extensions": ["retry"]}
        await later.send.session.update(session=retry)
        failed = await later.wait_for(f"{TRANSCRIPTION}.failed")
        assert (failed["item_id"], failed["error"]["code"]) == (item_id, "server_stopped")
        await later.send.send({"type": f"{TRANSCRIPTION}.retry", "item_id": item_id})  # type: ignore[arg-type]
        assert (await later.wait_for(f"{TRANSCRIPTION}.completed"))["transcript"] == "Good morning."
        await later.wait_for("response.done")
    spoken = (await load_items(talk.conversation_id))[0]
    assert (spoken.public_id, spoken.clip.duration_ms > 1_000) == (item_id, True)
    assert not list(settings.SPOOL_DIR.glob(name))


async def test_a_reply_that_a_crash_cut_off_is_taken_up_as_incomplete(
    start_site: Callable[..., Site], connect: Connect, upstream: Upstream
) -> None:
    site = start_site(OPENAI_API_KEY="sk-site", OPENAI_BASE_URL=upstream.openai_url)
    upstream.behave("chat", piece_ms=20)
    upstream.script(replies=("These words are many. " * 50,))
    async with connect(url=site.url) as talk:
        await talk.type("Go on.")
        for _ in range(3):
            await talk.wait_for("response.output_audio_transcript.delta")
        site.process.send_signal(signal.SIGKILL)
        with pytest.raises(ConnectionClosed):
            await talk.wait_for("never")
    async with connect(conversation=talk.conversation_id) as later:
        await later.wait_for("conversation.item.done")
        reply = (await later.wait_for("conversation.item.done"))["item"]
    assert reply["status"] == "incomplete"
    assert reply["content"][0]["transcript"].startswith("These words are many.")


async def test_a_lost_connection_keeps_the_last_words(connect: Connect, upstream: Upstream, utterance: bytes) -> None:
    upstream.script(transcripts=("My last words.",))
    async with connect() as talk:
        await talk.send.input_audio_buffer.append(audio=base64.b64encode(utterance).decode())
        await talk.wait_for("input_audio_buffer.speech_started")
        talk.cut()

    async def load_texts() -> list[str]:
        return [item.text for item in await load_items(talk.conversation_id) if item.text]

    await poll(load_texts)  # the session drains meanwhile
    assert [item.text for item in await load_items(talk.conversation_id)] == ["My last words."]


async def test_a_flood_is_refused_and_others_are_served(site: Site, key: str, connect: Connect) -> None:
    append = json.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(bytes(7_000_000)).decode()})
    async with open_socket(
        f"{site.ws_url}/v1/realtime", additional_headers={"Authorization": f"Bearer {key}"}
    ) as socket:
        listening = asyncio.create_task(read_until_closed(socket))
        with suppress(ConnectionClosed):
            for _ in range(8):  # 20 minutes of audio
                await socket.send(append)
        async with connect() as talk:
            await talk.type("Hello?")
            await talk.wait_for("response.done")
        assert (await listening)[-2:] == ["input_too_fast", 1008]


async def read_until_closed(socket: ClientConnection) -> list[Any]:
    """Return the code of each event's error (None for an event without one), then the close code."""
    codes: list[Any] = []
    try:
        while True:
            codes.append(json.loads(await socket.recv()).get("error", {}).get("code"))
    except ConnectionClosed as closed:
        return [*codes, closed.rcvd.code if closed.rcvd else None]


async def test_nothing_a_client_sends_is_logged_as_an_error(site: Site, connect: Connect) -> None:
    async with connect() as talk:
        for raw in ('{"type": []}', '{"type": "session.update", "session": 7}', "\U0001f600", "[" * 5000):
            await talk.send_frame(raw)
            await talk.wait_for("error")
    assert "Traceback" not in site.log


async def test_a_deleted_conversation_ends_its_session(connect: Connect) -> None:
    async with connect() as talk:
        await talk.wait_for("conversation.created")
        await Conversation.objects.filter(public_id=talk.conversation_id).adelete()
        await talk.type("Hello?")
        assert (await talk.wait_for("error"))["error"]["code"] == "conversation_deleted"
        assert not [kind for kind in talk.kinds if kind.startswith("conversation.item")]


async def test_a_client_that_asks_and_does_not_read_is_told_why_it_was_cut_off(site: Site, key: str) -> None:
    part = {"type": "input_text", "text": "x" * 99_000}
    item = {"id": "big", "type": "message", "role": "user", "content": [part]}
    headers = {"Authorization": f"Bearer {key}"}
    async with open_socket(f"{site.ws_url}/v1/realtime", additional_headers=headers, max_queue=1) as socket:
        await socket.send(json.dumps({"type": "conversation.item.create", "item": item}))
        with suppress(ConnectionClosed):
            for _ in range(1000):  # 99 MB of answers
                await socket.send(json.dumps({"type": "conversation.item.retrieve", "item_id": "big"}))
        assert (await read_until_closed(socket))[-2:] == ["output_too_slow", 1008]
