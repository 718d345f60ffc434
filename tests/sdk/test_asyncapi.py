"""The schemas of the AsyncAPI document hold for a conversation's events."""

import jsonschema_rs
import pytest

from conversations.api.documents import asyncapi
from tests.support.official_client import Connect


@pytest.mark.usefixtures("committed_db")
async def test_its_schemas_hold_for_a_conversation(connect: Connect, utterance: bytes) -> None:
    document = asyncapi.build_document()
    async with connect() as talk:
        await talk.say(utterance)
        await talk.wait_for("response.done")
        await talk.type("And now in writing.")
        await talk.wait_for("response.done")
    kinds = set(talk.kinds)
    assert {"conversation.item.input_audio_transcription.completed", "response.output_audio.delta"} <= kinds
    for event in talk.events:
        payload = document["components"]["messages"][f"server.{event['type']}"]["payload"]
        jsonschema_rs.validate({**payload, "components": document["components"]}, event)
