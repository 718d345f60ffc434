"""A client's mistakes do not reach upstream, and the limits are those of three engines."""

import pytest

from conversations.realtime.state import Limits
from tests.support.realtime.relay_steps import MANUAL, type_message
from tests.support.realtime.relay_table import TYPED, RelayTable

CUT = {"item_id": "x", "content_index": 0, "audio_end_ms": 1}


@pytest.mark.parametrize(
    ("kind", "fields", "code"),
    [
        ("conversation.item.truncate", CUT, "item_truncate_invalid_item_id"),
        ("conversation.item.delete", {"item_id": "x"}, "item_delete_invalid_item_id"),
        ("conversation.item.retrieve", {"item_id": "x"}, "item_retrieve_invalid_item_id"),
        ("conversation.item.create", {"item": TYPED}, "item_create_duplicate_item_id"),
        ("conversation.item.create", {"item": {**TYPED, "id": "new"}, "previous_item_id": "x"}, "invalid_value"),
        ("response.cancel", {}, "response_cancel_not_active"),
        ("response.create", {"response": {"audio": {"output": {"format": {"type": "audio/pcmu"}}}}}, "invalid_value"),
    ],
)  # fmt: skip
def test_a_clients_mistake_does_not_reach_upstream(kind: str, fields: dict[str, object], code: str) -> None:
    table = RelayTable()
    type_message(table)
    told = len(table.told)
    [refusal] = table.send(kind, **fields, event_id="mine")
    assert (refusal["error"]["code"], refusal["error"]["event_id"]) == (code, "mine")
    assert len(table.told) == told


def test_a_session_has_the_same_limits() -> None:
    table = RelayTable(limits=Limits(max_items=1, responses_per_min=1, max_buffer_ms=1000))
    table.send("session.update", session=MANUAL)
    table.agree()
    type_message(table)
    [full] = table.send("conversation.item.create", item={**TYPED, "id": "item_two"})
    assert full["error"]["code"] == "conversation_full"
    table.send("response.create")
    table.begin_response("one", "Hello.", 100)
    table.end_response("one", "Hello.")
    [fast] = table.send("response.create")
    assert fast["error"]["code"] == "rate_limit_exceeded"
    [long] = table.send_audio(2000)
    assert long["error"]["code"] == "input_audio_buffer_full"


def test_out_of_band_responses_have_the_same_limit() -> None:
    table = RelayTable(limits=Limits(max_out_of_band=2))
    out_of_band = {"conversation": "none"}
    for _ in range(2):
        assert table.send("response.create", response=out_of_band) == []
    table.begin_response("one", "Hello.", 100, conversation_id=None)  # one runs, one is to begin
    [many] = table.send("response.create", response=out_of_band)
    assert many["error"]["code"] == "too_many_responses"
    table.end_response("one", "Hello.", conversation_id=None)
    assert table.send("response.create", response=out_of_band) == []


def test_a_response_that_speech_calls_for_beyond_the_limit_is_cancelled() -> None:
    table = RelayTable(limits=Limits(responses_per_min=1))
    table.begin_response("one", "Hello.", 100)
    table.end_response("one", "Hello.")
    table.begin_response("two", "Hello again.", 100)
    assert (table.told[-1]["type"], table.told[-1]["response_id"]) == ("response.cancel", "resp_two")
