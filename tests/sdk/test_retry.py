"""Speech to text fails, and is asked once more for the sound that is stored: by the same socket, and by a later one."""

from typing import Any

import pytest

from tests.support.official_client import Connect, Talk
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db")
EVENT = "conversation.item.input_audio_transcription"


async def retry(talk: Talk, item_id: str) -> None:
    await talk.send.send({"type": f"{EVENT}.retry", "item_id": item_id})  # type: ignore[arg-type]


async def test_it_works(connect: Connect, upstream: Upstream, utterance: bytes) -> None:
    upstream.behave("live_transcriptions", fault="500")
    upstream.behave("transcriptions", fault="500")
    async with connect() as talk:
        session: Any = {"type": "realtime", "extensions": ["retry"]}
        await talk.send.session.update(session=session)
        await talk.say(utterance)
        failed = await talk.wait_for(f"{EVENT}.failed")
        assert failed["can_retry"] is True
        upstream.behave("transcriptions", fault="")
        upstream.script(transcripts=("Good morning.",))
        await retry(talk, failed["item_id"])
        assert (await talk.wait_for(f"{EVENT}.completed"))["transcript"] == "Good morning."
        assert (await talk.wait_for("response.done"))["response"]["status"] == "completed"
    assert upstream.list_requests("transcriptions")[-1]["asked"]["seconds"] > 2  # all of it


async def test_a_later_session_tries_again(connect: Connect, upstream: Upstream, utterance: bytes) -> None:
    upstream.behave("live_transcriptions", fault="500")
    upstream.behave("transcriptions", fault="500")
    async with connect() as talk:
        await talk.say(utterance)
        item_id = (await talk.wait_for(f"{EVENT}.failed"))["item_id"]
    upstream.behave("transcriptions", fault="")
    async with connect(conversation=talk.conversation_id) as later:
        await retry(later, item_id)
        assert (await later.wait_for(f"{EVENT}.completed"))["transcript"] == "Hello there."
        assert (await later.wait_for("response.done"))["response"]["status"] == "completed"
