"""Transcription sessions with the official client: captions without an assistant, and nothing kept unless asked."""

import base64
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from openai import AsyncOpenAI

from accounts.models import User
from conversations.models import Assistant, Conversation
from conversations.pcm import BYTES_PER_MS
from tests.support.live import Site, run_site
from tests.support.official_client import FRAME, Connect, Talk, load_items, load_sound, synthesize_speech
from tests.support.polling import wait_until_none
from tests.support.realtime import wire
from tests.support.realtime.transcripts import ADDED, EVENT, HEARD
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db")
WORDS = "Good morning, can you hear me well?"


@pytest.fixture(scope="module")
def streaming_site(database_url: str, upstream_process: Upstream) -> Iterator[Site]:
    env = {"OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream_process.openai_url}
    with run_site(database_url, {**env, "STT_STREAM_MODEL": "gpt-live-transcribe"}) as running:
        yield running


@sync_to_async
def count_conversations(user: User) -> int:
    return Conversation.objects.filter(user=user).count()


async def send_sound(talk: Talk, pcm: bytes) -> None:
    for start in range(0, len(pcm), FRAME):
        await talk.send.input_audio_buffer.append(audio=base64.b64encode(pcm[start : start + FRAME]).decode())


async def test_captions(connect: Connect, upstream: Upstream, utterance: bytes, user: User) -> None:
    upstream.script(transcripts=(WORDS,))
    async with connect(intent="transcription") as talk:
        await talk.say(utterance)
        completed = await talk.wait_for(f"{EVENT}.completed")
        assert await count_conversations(user) == 0
    heard = len(upstream.list_requests("transcriptions"))
    assert talk.kinds == ["session.created", *HEARD, *ADDED, f"{EVENT}.completed"]
    assert talk.events[0]["session"]["type"] == "transcription"
    assert completed["transcript"] == WORDS
    assert await count_conversations(user) == 0
    assert upstream.list_requests("chat") == upstream.list_requests("speech") == []
    async with connect(intent="transcription") as again:  # what was said is not remembered
        await again.say(utterance)
        await again.wait_for(f"{EVENT}.completed")
    assert len(upstream.list_requests("transcriptions")) > heard


@pytest.mark.parametrize("asked", ["in the address", "by the client's first event"])
async def test_captions_that_are_stored(connect: Connect, upstream: Upstream, utterance: bytes, asked: str) -> None:
    upstream.script(transcripts=(WORDS,))
    query = {"store": "true"} | ({"intent": "transcription"} if asked == "in the address" else {})
    async with connect(**query) as talk:
        await talk.send.session.update(session={"type": "transcription"})
        await talk.say(utterance)
        await talk.wait_for(f"{EVENT}.completed")
    (item,) = await load_items(talk.conversation_id)
    assert (item.role, item.text) == ("user", WORDS)
    assert len(await load_sound(item)) > len(utterance) * 0.8


async def test_a_session_that_becomes_one_leaves_nothing(
    connect: Connect, upstream: Upstream, utterance: bytes, user: User
) -> None:
    heard = {"transcription": {"model": "gpt-transcribe", "language": "en"}}
    session: Any = {"type": "transcription", "audio": {"input": heard}}
    async with connect() as before:
        await before.send.session.update(session=session)
        await before.say(utterance)
        await before.wait_for(f"{EVENT}.completed")
    asked = len(upstream.list_requests("transcriptions"))
    async with connect() as talk:
        await talk.send.session.update(session=session)
        shown = (await talk.wait_for("session.updated"))["session"]
        assert shown["audio"]["input"]["transcription"] == heard["transcription"]
        await talk.say(utterance)
        await talk.wait_for(f"{EVENT}.completed")
        await talk.send.response.create()
        assert "no responses" in (await talk.wait_for("error"))["error"]["message"]
    assert (
        len(upstream.list_requests("transcriptions")) == 2 * asked
    )  # the words of the first were not remembered either
    await wait_until_none(Conversation.objects.filter(user=user), patience_sec=10)


async def test_captions_go_on_in_a_conversation(connect: Connect, upstream: Upstream, utterance: bytes) -> None:
    upstream.script(transcripts=(WORDS,), replies=("Yes.",))
    async with connect() as talk:
        await talk.type("Listen.")
        await talk.wait_for("response.done")
    async with connect(conversation=talk.conversation_id, intent="transcription") as later:
        await later.say(utterance)
        await later.wait_for(f"{EVENT}.completed")
    assert [item.text for item in await load_items(talk.conversation_id)] == ["Listen.", "Yes.", WORDS]


async def test_words_come_while_one_speaks(streaming_site: Site, connect: Connect, upstream: Upstream) -> None:
    utterance = await synthesize_speech("can you hear me this morning")  # without a pause in it
    upstream.script(transcripts=(WORDS,))
    async with connect(url=streaming_site.url, intent="transcription") as talk:
        await send_sound(talk, utterance)
        first = await talk.wait_for(f"{EVENT}.delta")
        assert "input_audio_buffer.committed" not in talk.kinds
        await send_sound(talk, bytes(1000 * BYTES_PER_MS))
        completed = await talk.wait_for(f"{EVENT}.completed")
    deltas = [event["delta"] for event in talk.events if event["type"] == f"{EVENT}.delta"]
    assert "".join(deltas) == completed["transcript"] == WORDS
    assert first["item_id"] == completed["item_id"]
    assert upstream.list_requests("transcriptions") == []


async def test_the_client_commits(streaming_site: Site, connect: Connect, upstream: Upstream, utterance: bytes) -> None:
    upstream.script(transcripts=(WORDS, "And again."))
    async with connect(url=streaming_site.url, intent="transcription") as talk:
        silent: Any = {"type": "transcription", "audio": {"input": {"turn_detection": None}}}
        await talk.send.session.update(session=silent)
        for words in (WORDS, "And again."):
            await send_sound(talk, utterance)
            await talk.wait_for(f"{EVENT}.delta")
            await talk.send.input_audio_buffer.commit()
            await talk.wait_for("input_audio_buffer.committed")
            assert (await talk.wait_for(f"{EVENT}.completed"))["transcript"] == words
    assert "input_audio_buffer.speech_started" not in talk.kinds


async def test_an_assistant_of_speech_to_speech(connect: Connect, upstream: Upstream, utterance: bytes) -> None:
    """Captions do not use its model, and a session that is relayed to it cannot become one for captions."""
    name = f"s2s-{uuid4().hex[:12]}"
    await Assistant.objects.acreate(slug=name, name=name, s2s_engine="openai")
    upstream.script(transcripts=(WORDS,))
    async with connect(assistant=name, intent="transcription") as talk:
        await talk.say(utterance)
        assert (await talk.wait_for(f"{EVENT}.completed"))["transcript"] == WORDS
    assert upstream.list_requests("live_conversations") == []
    async with connect(assistant=name) as talk:
        await talk.send.session.update(session={"type": "transcription"})
        assert (await talk.wait_for("error"))["error"]["param"] == "session.type"


async def test_in_beta(site: Site, key: str, upstream: Upstream, utterance: bytes) -> None:
    upstream.script(transcripts=(WORDS,))
    client = AsyncOpenAI(api_key=key, base_url=f"{site.url}/v1", websocket_base_url=f"{site.ws_url}/v1")
    seen: list[str] = []
    async with client.beta.realtime.connect(model="any", extra_query={"intent": "transcription"}) as connection:
        await connection.transcription_session.update(session={"input_audio_transcription": {"language": "en"}})
        for start in range(0, len(utterance), FRAME):
            await connection.input_audio_buffer.append(
                audio=base64.b64encode(utterance[start : start + FRAME]).decode()
            )
        await connection.input_audio_buffer.append(audio=base64.b64encode(bytes(10 * FRAME)).decode())
        while not seen or seen[-1] != f"{EVENT}.completed":
            event = json.loads(await connection.recv_bytes())
            wire.check_beta_event(event)
            seen.append(event["type"])
    begun = ["transcription_session.created", "transcription_session.updated"]
    assert seen == [*begun, *HEARD, "conversation.item.created", f"{EVENT}.completed"]


@pytest.mark.parametrize("query", [{"intent": "translation"}, {"store": "yes"}])
async def test_what_is_not_served(connect: Connect, query: dict[str, str]) -> None:
    async with connect(**query) as talk:
        assert (await talk.wait_for("error"))["error"]["code"] == "invalid_value"
