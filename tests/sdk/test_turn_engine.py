"""Hearing while one speaks, answering ahead, yielding and going on, against a live server."""

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import pytest

from conversations.pcm import BYTES_PER_MS
from tests.support.live import Site, run_site
from tests.support.official_client import FRAME, Connect, Talk, load_items, synthesize_speech
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db")
MANY_WORDS = "can you hear me this morning"  # without a pause in them
DELTA = "conversation.item.input_audio_transcription.delta"


@pytest.fixture(scope="module")
def streaming_site(database_url: str, upstream_process: Upstream) -> Iterator[Site]:
    env = {"OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream_process.openai_url}
    with run_site(database_url, {**env, "STT_STREAM_MODEL": "gpt-live-transcribe"}) as running:
        yield running


async def send_sound(talk: Talk, pcm: bytes) -> None:
    for start in range(0, len(pcm), FRAME):
        await talk.send.input_audio_buffer.append(audio=base64.b64encode(pcm[start : start + FRAME]).decode())


async def send_silence(talk: Talk, ms: int) -> None:
    await send_sound(talk, bytes(ms * BYTES_PER_MS))


async def opt_in(talk: Talk, **turn_detection: Any) -> None:
    session: dict[str, Any] = {"type": "realtime", "extensions": ["playback", "captions"]}
    if turn_detection:
        session["audio"] = {"input": {"turn_detection": turn_detection}}
    await talk.send.session.update(session=session)  # type: ignore[arg-type]
    updated = await talk.wait_for("session.updated")
    assert updated["session"]["extensions"] == ["playback", "captions"]


async def test_words_come_while_one_speaks(streaming_site: Site, connect: Connect, upstream: Upstream) -> None:
    utterance = await synthesize_speech(MANY_WORDS)
    upstream.script(transcripts=("Good morning, can you hear me?", "And now?"), replies=("Yes, very well.", "Still."))
    async with connect(url=streaming_site.url) as talk:
        await opt_in(talk)
        for _ in range(2):
            await send_sound(talk, utterance)
            await talk.wait_for(DELTA)
            assert talk.kinds.count("input_audio_buffer.committed") == talk.kinds.count("response.done")
            await send_silence(talk, 1000)
            await talk.wait_for("response.done")
    first, _, second, _ = await load_items(talk.conversation_id)
    assert (first.text, second.text) == ("Good morning, can you hear me?", "And now?")
    assert first.stt == "openai:gpt-live-transcribe"
    assert first.stt_seconds > 1
    assert len(upstream.list_requests("live_transcriptions")) == 1  # one connection, kept across turns
    assert upstream.list_requests("transcriptions") == []


async def test_where_the_stream_fails_the_turn_is_heard_from_its_audio(
    streaming_site: Site, connect: Connect, upstream: Upstream, utterance: bytes
) -> None:
    upstream.behave("live_transcriptions", fault="500")
    upstream.script(transcripts=("Good morning, can you hear me?",))
    async with connect(url=streaming_site.url) as talk:
        await talk.say(utterance)
        await talk.wait_for("response.done")
    question, answer = await load_items(talk.conversation_id)
    assert (question.text, question.stt) == ("Good morning, can you hear me?", "openai:gpt-transcribe")
    assert answer.status == "completed"


async def test_an_answer_is_ready_before_the_endpoint(connect: Connect, upstream: Upstream, utterance: bytes) -> None:
    upstream.script(transcripts=("Can you hear me?",), replies=("Yes, I can hear you very well today.",))
    async with connect() as talk:
        await opt_in(talk, type="server_vad", silence_duration_ms=2000)
        await send_sound(talk, utterance)
        await send_silence(talk, 1400)
        await asyncio.to_thread(upstream.wait_for, "speech", "done")
        assert "response.created" not in talk.kinds  # nothing was said, nor stored
        await send_silence(talk, 1600)
        done = await talk.wait_for("response.done")
    assert len(upstream.list_requests("chat")) == 1
    timing = done["response"]["timing"]
    assert timing["transcript"] < timing["first_token"] < timing["endpoint"] == 0 <= timing["first_audio"]
    assert [item.text for item in await load_items(talk.conversation_id)] == [
        "Can you hear me?",
        "Yes, I can hear you very well today.",
    ]


async def test_an_answer_is_dropped_upstream_when_one_goes_on(
    connect: Connect, upstream: Upstream, utterance: bytes
) -> None:
    upstream.behave("chat", first_byte_ms=60_000)
    async with connect() as talk:
        await opt_in(talk, type="server_vad", silence_duration_ms=2000)
        await send_sound(talk, utterance)
        await send_silence(talk, 1400)
        await asyncio.to_thread(upstream.wait_for, "chat", "received")
        upstream.behave("chat", first_byte_ms=0)
        await send_sound(talk, utterance)
        await asyncio.to_thread(upstream.wait_for, "chat", "closed_by_peer")
        await send_silence(talk, 3000)
        await talk.wait_for("response.done")
    question, _ = await load_items(talk.conversation_id)
    assert question.discarded_input_tokens > 0


async def test_a_cough_pauses_the_reply_and_words_end_it(
    connect: Connect, upstream: Upstream, utterance: bytes
) -> None:
    reply = "It is a long story, and I will tell you all of it now. " * 8
    upstream.script(transcripts=("Tell me a story.", "Mhm."), replies=(reply, "Fine."))
    upstream.behave("speech", realtime=1.5)
    async with connect() as talk:
        await opt_in(talk)
        await talk.say(utterance)
        await talk.wait_for("response.output_audio.delta")
        await send_sound(talk, utterance[: 700 * BYTES_PER_MS])
        await talk.wait_for("input_audio_buffer.speech_started")
        await send_silence(talk, 800)
        await talk.wait_for("output_audio_buffer.started")
        await talk.wait_for("response.output_audio.delta")
        upstream.script(transcripts=("Stop, please.",))
        await send_sound(talk, utterance)
        await talk.wait_for("input_audio_buffer.speech_started")
        await send_silence(talk, 800)
        cleared = await talk.wait_for("output_audio_buffer.cleared")
        done = await talk.wait_for("response.done")
        await asyncio.to_thread(upstream.wait_for, "speech", "closed_by_peer")
        await talk.wait_for("response.done")
    assert done["response"]["status_details"]["reason"] == "turn_detected"
    assert cleared["response_id"] == done["response"]["id"]
    assert [item.text for item in await load_items(talk.conversation_id) if item.role == "user"] == [
        "Tell me a story.",
        "Mhm.",
        "Stop, please.",
    ]
