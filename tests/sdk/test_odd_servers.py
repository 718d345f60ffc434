"""Compatible servers as they are, in whole turns: what is told, spoken, stored, and shown to the model later."""

import asyncio
import base64
import io
import json
import wave
from time import monotonic

import pytest

from tests.support.official_client import MANUAL, Connect, Talk, load_items
from tests.upstream.fixtures import Upstream
from tests.upstream.raw_answers import Raw
from tests.upstream.sound import SAMPLE_RATE, make_speech
from tests.upstream.streams import DONE, STOP, pack_chunk, say

pytestmark = pytest.mark.usefixtures("committed_db")


async def ask(talk: Talk) -> dict[str, str]:
    await talk.type("What are two and two?")
    told = (await talk.wait_for("response.done"))["response"]
    return {"status": told["status"], "words": "".join(part["transcript"] for part in told["output"][0]["content"])}


async def test_thoughts_are_neither_told_nor_spoken_nor_stored(connect: Connect, upstream: Upstream) -> None:
    thoughts = say("<th") + say("ink>Be polite.</thi") + say("nk>") + pack_chunk({"reasoning_content": "Be brief."})
    upstream.script(
        replies=(Raw((thoughts + say("Thought of as four.") + say("<|im_end|>") + STOP + DONE,)).build_script(),)
    )
    async with connect() as talk:
        assert await ask(talk) == {"status": "completed", "words": "Thought of as four."}
        await talk.type("And three and three?")
        await talk.wait_for("response.done")
        answer = (await load_items(talk.conversation_id))[1]
    assert answer.text == "Thought of as four."
    assert "polite" not in json.dumps(talk.events)
    assert next(one["asked"]["input"] for one in upstream.list_requests("speech")) == "Thought of as four."
    shown = json.dumps(upstream.list_requests("chat")[1]["asked"]["messages"])
    assert "Thought of as four." in shown
    assert "polite" not in shown
    assert "im_end" not in shown


@pytest.mark.parametrize(
    "raw",
    [
        Raw((b"retry: 3000\n\ndata:\n\n" + say("Four it is.") + DONE,)),
        Raw((say("Four it is.") + STOP,), ending="open"),
        Raw((json.dumps({"choices": [{"message": {"content": "Four it is."}}]}).encode(),), "application/json"),
        Raw((pack_chunk({"reasoning_content": "Hm."}),) * 15 + (say("Four it is.") + STOP + DONE,), pause_ms=200),
    ],
    ids=["no finish_reason", "left open", "not streamed", "three seconds of thought"],
)
async def test_a_reply_is_whole(connect: Connect, upstream: Upstream, raw: Raw) -> None:
    upstream.script(replies=(raw.build_script(),))
    async with connect() as talk:
        began_at = monotonic()
        assert await ask(talk) == {"status": "completed", "words": "Four it is."}
    assert monotonic() - began_at < 8.0


async def test_a_passing_limit_is_waited_out(connect: Connect, upstream: Upstream) -> None:
    upstream.behave("chat", fault="429_rate", fault_times=1, headers={"Retry-After": "1"})
    upstream.script(replies=("Nobody hears this.", "Four it is."))
    async with connect() as talk:
        assert await ask(talk) == {"status": "completed", "words": "Four it is."}
    first, second = upstream.list_requests("chat")
    assert second["received_at"] - first["received_at"] >= 1.0


async def test_a_wav_file_is_heard_as_it_is_meant(connect: Connect, upstream: Upstream) -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(SAMPLE_RATE)
        written.writeframes(make_speech("Said anew, once."))
    upstream.behave("speech", raw=Raw((file.getvalue(),), "application/octet-stream").build_script())
    upstream.script(replies=("Unwrapped.",))
    async with connect() as talk:
        await ask(talk)
    assert talk.collect_audio() == make_speech("Said anew, once.")


async def test_no_words_are_quiet(connect: Connect, upstream: Upstream, utterance: bytes) -> None:
    upstream.behave("transcriptions", raw=Raw((b'{"text": null}',), "application/json").build_script())
    async with connect() as talk:
        await talk.send.session.update(session=MANUAL)  # type: ignore[arg-type]
        await talk.send.input_audio_buffer.append(audio=base64.b64encode(utterance).decode())
        await talk.send.input_audio_buffer.commit()
        told = await talk.wait_for("conversation.item.input_audio_transcription.completed")
        await asyncio.to_thread(upstream.wait_for, "transcriptions", "done")
    assert told["transcript"] == ""
    assert "error" not in talk.kinds
