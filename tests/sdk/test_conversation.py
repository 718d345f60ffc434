"""The official client holds whole conversations against a live server."""

import asyncio
import base64
from typing import Any

import pytest

from conversations.pcm import BYTES_PER_MS
from tests.support.official_client import FRAME, MANUAL, Connect, drop_repeats, load_items, load_sound
from tests.support.realtime.wire import SPOKEN_REPLY
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db")


async def test_a_text_turn(connect: Connect, upstream: Upstream) -> None:
    upstream.script(replies=("Four it is.",))
    async with connect() as talk:
        await talk.wait_for("conversation.created")
        await talk.type("What is two and two?")
        done = await talk.wait_for("response.done")
    assert talk.kinds[:2] == ["session.created", "conversation.created"]
    assert drop_repeats(talk.kinds[2:]) == ["conversation.item.added", "conversation.item.done", *SPOKEN_REPLY]
    assert done["response"]["output"][0]["content"] == [{"type": "output_audio", "transcript": "Four it is."}]
    assert len(talk.collect_audio()) > 48_000 / 2
    question, answer = await load_items(talk.conversation_id)
    assert (question.text, question.is_audio) == ("What is two and two?", False)
    assert (answer.text, answer.status, answer.heard_text) == ("Four it is.", "completed", None)
    assert answer.llm == "openai:gpt-6-luna"
    assert answer.waterfall.keys() >= {"endpoint", "first_token", "first_clause", "first_audio", "done"}
    assert answer.output_tokens > 0


async def test_a_spoken_turn(connect: Connect, upstream: Upstream, utterance: bytes) -> None:
    upstream.script(transcripts=("Good morning, can you hear me?",), replies=("I hear you well.",))
    async with connect() as talk:
        await talk.say(utterance)
        await talk.wait_for("response.done")
    heard = [kind for kind in talk.kinds if kind.startswith("input_audio_buffer")]
    assert heard == [f"input_audio_buffer.{name}" for name in ("speech_started", "speech_stopped", "committed")]
    assert drop_repeats(talk.kinds)[-12:] == SPOKEN_REPLY
    question, answer = await load_items(talk.conversation_id)
    assert (question.text, question.stt) == ("Good morning, can you hear me?", "openai:gpt-transcribe")
    said, replied = [await load_sound(item) for item in (question, answer)]
    assert len(said) > len(utterance) * 0.8
    assert abs(len(replied) - len(talk.collect_audio())) < 50 * BYTES_PER_MS
    assert question.stt_seconds > 1


async def test_a_manual_turn(connect: Connect, upstream: Upstream, utterance: bytes) -> None:
    upstream.script(transcripts=("Tell me a joke.",))
    async with connect() as talk:
        await talk.send.session.update(session=MANUAL)  # type: ignore[arg-type]
        await talk.say(utterance)
        await talk.send.input_audio_buffer.commit()
        await talk.send.response.create()
        done = await talk.wait_for("response.done")
    assert "input_audio_buffer.speech_started" not in talk.kinds
    assert talk.kinds.index("response.created") < talk.kinds.index("response.output_item.added")
    assert done["response"]["output"][0]["content"][0]["transcript"] == "You said: Tell me a joke."


async def test_a_binary_frame_is_an_append(connect: Connect, utterance: bytes) -> None:
    async with connect() as talk:
        for start in range(0, len(utterance), FRAME):
            await talk.send_frame(utterance[start : start + FRAME])
        await talk.send_frame(bytes(10 * FRAME))
        await talk.wait_for("response.done")


async def test_barge_in(connect: Connect, upstream: Upstream, utterance: bytes) -> None:
    upstream.behave("speech", realtime=1.0)  # a reply that is still being spoken
    upstream.script(
        transcripts=("Tell me everything.", *["Stop."] * 3), replies=("This will take long. " * 20, "Sorry.")
    )
    async with connect() as talk:
        await talk.say(utterance)
        first = await talk.wait_for("response.output_audio.delta")
        await talk.say(utterance)
        cancelled = await talk.wait_for("response.done")
        assert cancelled["response"]["id"] == first["response_id"]
        assert cancelled["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
        cut = {"item_id": first["item_id"], "content_index": 0, "audio_end_ms": 40}
        await talk.send.conversation.item.truncate(**cut)
        truncated = await talk.wait_for("conversation.item.truncated")
        assert cut.items() <= truncated.items()
        await asyncio.to_thread(upstream.wait_for, "speech", "closed_by_peer")
        upstream.behave("speech", realtime=0.0)
        assert (await talk.wait_for("response.done"))["response"]["status"] == "completed"
    items = await load_items(talk.conversation_id)
    assert [item.role for item in items] == ["user", "assistant", "user", "assistant"]
    assert items[1].text.startswith("This will take long.")
    assert (items[1].heard_text, items[1].heard_ms, items[1].status) == ("", 40, "incomplete")
    asked = upstream.list_requests("chat")[-1]["asked"]["messages"]
    assert [message["role"] for message in asked] == ["system", "user", "user"]  # nothing was heard of the reply


async def test_a_cancelled_turn(connect: Connect, upstream: Upstream) -> None:
    upstream.behave("chat", piece_ms=50)
    upstream.script(replies=("one " * 200,))
    async with connect() as talk:
        await talk.type("Count.")
        created = await talk.wait_for("response.created")
        await talk.wait_for("response.content_part.added")
        await talk.send.response.cancel(response_id=created["response"]["id"])
        done = await talk.wait_for("response.done")
        assert done["response"]["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
        await asyncio.to_thread(upstream.wait_for, "chat", "closed_by_peer")


async def test_bad_events_do_not_end_the_session(connect: Connect, upstream: Upstream) -> None:
    async with connect() as talk:
        for raw in ("nonsense", "[]", '{"type": "nope"}', '{"type": "input_audio_buffer.append", "audio": "%"}'):
            await talk.send_frame(raw)
            assert (await talk.wait_for("error"))["error"]["message"]
        await talk.send_frame("x" * (17 * 1024 * 1024))
        assert (await talk.wait_for("error"))["error"]["code"] == "frame_too_large"
        await talk.send.input_audio_buffer.append(audio=base64.b64encode(b"odd").decode(), event_id="mine")
        assert (await talk.wait_for("error"))["error"]["event_id"] == "mine"
        await talk.type("Still there?")
        await talk.wait_for("response.done")


async def test_a_conversation_goes_on_later(connect: Connect, upstream: Upstream) -> None:
    upstream.script(replies=("I shall remember it.",))
    async with connect() as talk:
        await talk.type("My cat is called Tom.")
        await talk.wait_for("response.done")
    async with connect(conversation=talk.conversation_id) as later:
        await later.wait_for("conversation.item.done")
        await later.wait_for("conversation.item.done")
        await later.type("What is my cat called?")
        await later.wait_for("response.done")
    assert later.conversation_id == talk.conversation_id
    added = [event["item"] for event in later.events if event["type"] == "conversation.item.added"]
    assert [item["content"][0] for item in added[:2]] == [
        {"type": "input_text", "text": "My cat is called Tom."},
        {"type": "output_audio", "transcript": "I shall remember it."},
    ]
    asked = upstream.list_requests("chat")[-1]["asked"]["messages"]
    assert [message["content"] for message in asked[1:]] == [
        "My cat is called Tom.",
        "I shall remember it.",
        "What is my cat called?",
    ]
    assert len(await load_items(talk.conversation_id)) == 4


@pytest.mark.parametrize(
    ("endpoint", "fault", "says"),
    [
        ("transcriptions", "401", "key"),
        ("transcriptions", "500", "Speech to text"),
        ("chat", "401", "key"),
        ("chat", "429_quota", "language model"),
        ("chat", "500", "language model"),
        ("chat", "hang", "language model"),
        ("chat", "cut", "language model"),
        ("chat", "garbage", "language model"),
        ("speech", "401", "key"),
        ("speech", "hang", "Text to speech"),
        ("speech", "cut", "Text to speech"),
    ],
)
async def test_a_failing_engine_ends_its_turn_only(
    connect: Connect, upstream: Upstream, utterance: bytes, endpoint: str, fault: str, says: str
) -> None:
    upstream.behave(endpoint, fault=fault, fault_after=2 if fault == "cut" else 0)
    upstream.script(replies=("This is a reply of some length, with words to spare.",))
    async with connect() as talk:
        await talk.say(utterance)
        failed = await talk.wait_for(
            "response.done", "conversation.item.input_audio_transcription.failed", patience_sec=30
        )
        error: dict[str, Any] = failed.get("error") or failed["response"]["status_details"]["error"]
        assert says in error["message"]
        upstream.reset()
        await talk.type("And now?")
        done = await talk.wait_for("response.done")
        assert done["response"]["status"] == "completed"
    faulty = [item for item in await load_items(talk.conversation_id) if item.error_code]
    assert [item.error_message for item in faulty] == [error["message"]]
