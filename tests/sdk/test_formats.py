"""Conversations in telephony's formats with the official client: what is heard on either side is what was said."""

import asyncio
import base64
from typing import Any

import pytest

from conversations.audio.g711 import A_LAW, MU_LAW
from conversations.pcm import BYTES_PER_MS
from tests.support.formats import LAWS, PCM, PCMA, PCMU, decode_pcm, encode_g711, measure_likeness
from tests.support.official_client import Connect, Talk, load_items, load_sound
from tests.upstream.fixtures import Upstream
from tests.upstream.sound import make_speech

pytestmark = pytest.mark.usefixtures("committed_db")
SHOWN = {PCM: {"type": PCM, "rate": 24_000}, PCMU: {"type": PCMU}, PCMA: {"type": PCMA}}
REPLY = "I hear you well."


async def choose(talk: Talk, kind_in: str, kind_out: str, **given: Any) -> None:
    audio = {"input": {"format": SHOWN[kind_in], **given}, "output": {"format": SHOWN[kind_out]}}
    session: Any = {"type": "realtime", "audio": audio}
    await talk.send.session.update(session=session)
    shown = (await talk.wait_for("session.updated"))["session"]["audio"]
    assert (shown["input"]["format"], shown["output"]["format"]) == (SHOWN[kind_in], SHOWN[kind_out])


async def say(talk: Talk, kind: str, pcm: bytes) -> None:
    """Send the sound and a second of silence, in appends of 20 ms."""
    data = pcm + bytes(1000 * BYTES_PER_MS)
    data = data if kind == PCM else encode_g711(LAWS[kind], data)
    step = 20 * (BYTES_PER_MS if kind == PCM else 8)
    for start in range(0, len(data), step):
        await talk.send.input_audio_buffer.append(audio=base64.b64encode(data[start : start + step]).decode())


def read_speech_times(talk: Talk) -> tuple[int, int]:
    started = next(event for event in talk.events if event["type"] == "input_audio_buffer.speech_started")
    stopped = next(event for event in talk.events if event["type"] == "input_audio_buffer.speech_stopped")
    return started["audio_start_ms"], stopped["audio_end_ms"]


@pytest.mark.parametrize(("kind_in", "kind_out"), [(PCMU, PCMA), (PCMA, PCMU), (PCM, PCMU), (PCMU, PCM)])
async def test_a_spoken_turn(
    connect: Connect, upstream: Upstream, utterance: bytes, kind_in: str, kind_out: str
) -> None:
    upstream.script(transcripts=("Good morning, can you hear me?",) * 8, replies=(REPLY,) * 8)
    async with connect() as plain:
        await say(plain, PCM, utterance)
        await plain.wait_for("response.done")
    async with connect() as talk:
        await choose(talk, kind_in, kind_out)
        await say(talk, kind_in, utterance)
        created = await talk.wait_for("response.created")
        assert created["response"]["audio"]["output"]["format"] == SHOWN[kind_out]
        await talk.wait_for("response.done")
    for in_plain, in_this in zip(read_speech_times(plain), read_speech_times(talk), strict=True):
        assert abs(in_plain - in_this) <= 64  # two windows of detection
    question, answer = await load_items(talk.conversation_id)
    assert measure_likeness(await load_sound(question), utterance) > 0.9
    heard = decode_pcm(kind_out, talk.collect_audio())
    assert abs(len(heard) - len(make_speech(REPLY))) <= BYTES_PER_MS
    assert measure_likeness(heard, make_speech(REPLY)) > 0.98
    assert measure_likeness(await load_sound(answer), make_speech(REPLY)) > 0.9
    assert answer.audio_ms == len(make_speech(REPLY)) // BYTES_PER_MS


async def test_a_manual_turn_loses_nothing_of_its_end(connect: Connect, upstream: Upstream, utterance: bytes) -> None:
    async with connect() as talk:
        await choose(talk, PCMU, PCMU, turn_detection=None)
        data = encode_g711(MU_LAW, utterance)
        for _ in range(2):
            await talk.send.input_audio_buffer.append(audio=base64.b64encode(data).decode())
            await talk.send.input_audio_buffer.commit()
            await talk.wait_for("input_audio_buffer.committed")
        await talk.wait_for("conversation.item.input_audio_transcription.completed")
    for item in await load_items(talk.conversation_id):
        assert abs(item.audio_ms - len(utterance) / BYTES_PER_MS) <= 1
    (heard,) = upstream.list_requests("transcriptions")  # the second time they are remembered: not a sample differs
    assert heard["asked"]["seconds"] == pytest.approx(len(utterance) / BYTES_PER_MS / 1000, abs=0.002)


async def test_binary_frames_are_in_the_input_format(connect: Connect, utterance: bytes) -> None:
    async with connect() as talk:
        await choose(talk, PCMA, PCM)
        data = encode_g711(A_LAW, utterance + bytes(1000 * BYTES_PER_MS))
        for start in range(0, len(data), 160):
            await talk.send_frame(data[start : start + 160])
        await talk.wait_for("response.done")
    question, _ = await load_items(talk.conversation_id)
    assert measure_likeness(await load_sound(question), utterance) > 0.9


async def test_one_response_in_a_format_of_its_own(connect: Connect, upstream: Upstream) -> None:
    upstream.script(replies=(REPLY, REPLY))
    async with connect() as talk:
        await talk.wait_for("conversation.created")
        own: Any = {"audio": {"output": {"format": {"type": PCMU}}}}
        await talk.send.response.create(response=own)
        await talk.wait_for("response.done")
        assert abs(len(talk.collect_audio()) - len(make_speech(REPLY)) / 6) <= 8
        talk.events.clear()
        await talk.send.response.create()
        await talk.wait_for("response.done")
        assert talk.collect_audio() == make_speech(REPLY)


async def test_an_item_with_sound_is_in_the_input_format(
    connect: Connect, upstream: Upstream, utterance: bytes
) -> None:
    upstream.script(transcripts=("Good morning.",))
    async with connect() as talk:
        await choose(talk, PCMU, PCM)
        part = {"type": "input_audio", "audio": base64.b64encode(encode_g711(MU_LAW, utterance)).decode()}
        await talk.send.conversation.item.create(item={"type": "message", "role": "user", "content": [part]})  # type: ignore[arg-type,misc]
        await talk.wait_for("conversation.item.input_audio_transcription.completed")
    (item,) = await load_items(talk.conversation_id)
    assert item.text == "Good morning."
    assert measure_likeness(await load_sound(item), utterance) > 0.9


async def test_barge_in(connect: Connect, upstream: Upstream, utterance: bytes) -> None:
    upstream.behave("speech", realtime=1.0)
    upstream.script(
        transcripts=("Tell me everything.", *["Stop."] * 3), replies=("This will take long. " * 20, "Sorry.")
    )
    async with connect() as talk:
        await choose(talk, PCMU, PCMU)
        await say(talk, PCMU, utterance)
        await talk.wait_for("response.output_audio.delta")
        await say(talk, PCMU, utterance)
        cancelled = await talk.wait_for("response.done")
        assert cancelled["response"]["status"] == "cancelled"
        await asyncio.to_thread(upstream.wait_for, "speech", "closed_by_peer")
