"""What a later request, the history and a later session know of a reply that failed: what was told and heard."""

import pytest

from conversations.models import Item
from tests.support.official_client import MANUAL, Connect, Talk
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db")
CLAUSES = ("One is the first. ", "Two is the second. ", "Three is the third.")


def read_shown_replies(upstream: Upstream) -> list[str]:
    """Return which of its own replies the model was shown in its last request."""
    messages = upstream.list_requests("chat")[-1]["asked"]["messages"]
    return [message["content"].strip() for message in messages if message["role"] == "assistant"]


async def load_reply(talk: Talk) -> Item:
    return await Item.objects.aget(conversation__public_id=talk.conversation_id, role="assistant")


async def go_on(talk: Talk, connect: Connect, upstream: Upstream) -> list[list[str]]:
    """Take a turn in this session and one in a later one, and return the replies that the model was shown in each."""
    shown = []
    await talk.type("Go on.")
    await talk.wait_for("response.done")
    shown.append(read_shown_replies(upstream))
    async with connect(conversation=talk.conversation_id) as later:
        await later.type("And now?")
        await later.wait_for("response.done")
        shown.append(read_shown_replies(upstream))
    return shown


async def test_words_that_were_not_told_are_not_remembered(connect: Connect, upstream: Upstream) -> None:
    """The model's stream breaks off without a sign that it has ended (case 01a)."""
    upstream.script(replies=("The code is 4711.", "Sorry.", "Yes?"))
    upstream.behave("chat", fault="cut", fault_after=6, fault_times=1)
    async with connect() as talk:
        await talk.type("What is the code?")
        assert (await talk.wait_for("response.done"))["response"]["status"] == "failed"
        item = await load_reply(talk)
        assert (item.text[:3], item.heard_text) == ("The", "")
        assert await go_on(talk, connect, upstream) == [[], ["Sorry."]]


async def test_clauses_that_were_not_spoken_are_not_remembered(connect: Connect, upstream: Upstream) -> None:
    """Text to speech fails at the second clause of three (case 01b)."""
    upstream.script(replies=("".join(CLAUSES), "Sorry.", "Yes?"))
    async with connect() as talk:
        upstream.behave("chat", piece_ms=100)  # the second clause is not written yet when the first one sounds
        await talk.type("Count.")
        await talk.wait_for("response.output_audio.delta")
        upstream.behave("speech", fault="500")
        assert (await talk.wait_for("response.done"))["response"]["status"] == "failed"
        upstream.behave("speech", fault="")
        item = await load_reply(talk)
        heard = CLAUSES[0].strip()
        assert (item.heard_text or "").strip() == heard
        assert await go_on(talk, connect, upstream) == [[heard], [heard, "Sorry."]]


async def test_a_response_to_words_that_were_not_heard_fails(
    connect: Connect, upstream: Upstream, utterance: bytes
) -> None:
    """This is case 13, over a real socket."""
    for endpoint in ("live_transcriptions", "transcriptions"):
        upstream.behave(endpoint, fault="500")
    async with connect() as talk:
        await talk.send.session.update(session=MANUAL)  # type: ignore[arg-type]
        await talk.say(utterance)
        await talk.send.input_audio_buffer.commit()
        await talk.send.response.create()
        response = (await talk.wait_for("response.done"))["response"]
        assert (response["status"], response["status_details"]["error"]["code"]) == ("failed", "engine_unavailable")
    assert not upstream.list_requests("chat")


@pytest.mark.parametrize("transcript", ["[BLANK_AUDIO]", "(silence)"])
async def test_what_is_no_speech_is_not_answered(
    connect: Connect, upstream: Upstream, utterance: bytes, transcript: str
) -> None:
    """This is case 14, over a real socket."""
    upstream.script(transcripts=(transcript,) * 4)
    async with connect() as talk:
        await talk.say(utterance)
        heard = await talk.wait_for("conversation.item.input_audio_transcription.completed")
        assert heard["transcript"] == ""
        await talk.type("Hello?")
        await talk.wait_for("response.done")
    assert len(upstream.list_requests("chat")) == 1
