"""Whatever a client sends, it gets an error that says what to do, and the session goes on."""

import json
from typing import Any

import pytest

from conversations.realtime.state import Limits
from tests.support.realtime.harness import Table, get_kinds

ITEM = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "nonsense",
        "[]",
        "1",
        '"text"',
        "{",
        "NaN",
        '{"type": NaN}',
        '{"type": 1e999}',
        "[" * 100_000,
        '{"type": 1' + "0" * 5000 + "}",
    ],
)
def test_what_is_not_a_json_object(frame: str) -> None:
    assert Table().send_frame(frame)[0]["error"]["code"] == "invalid_json"


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800", "\\ud800\\ud800", "a\\udfffb"])
def test_what_neither_utf8_nor_postgres_can_hold(text: str) -> None:
    frame = json.dumps({"type": "conversation.item.create", "item": ITEM}).replace("Hi", text)
    assert Table().send_frame(frame)[0]["error"]["code"] == "invalid_json"


def test_escaped_text_that_only_looks_like_it_is_taken() -> None:
    table = Table()
    item = {**ITEM, "content": [{"type": "input_text", "text": "\\u0000 \U0001f600"}]}
    sent = table.send_frame(json.dumps({"type": "conversation.item.create", "item": item}))
    assert sent[0]["item"]["content"][0]["text"] == "\\u0000 \U0001f600"


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        ({}, "missing_required_parameter", "type"),
        ({"type": "nonsense"}, "invalid_value", "type"),
        ({"type": 7}, "invalid_value", "type"),
        ({"type": ["response.create"]}, "invalid_value", "type"),
        ({"type": "output_audio_buffer.clear"}, "invalid_value", "type"),
        ({"type": "input_audio_buffer.append"}, "missing_required_parameter", "audio"),
        ({"type": "input_audio_buffer.append", "audio": 7}, "invalid_value", "audio"),
        ({"type": "input_audio_buffer.append", "audio": "%%%"}, "invalid_value", "audio"),
        ({"type": "input_audio_buffer.append", "audio": "AAA"}, "invalid_value", "audio"),
        ({"type": "input_audio_buffer.append", "audio": "ÄÄÄÄ"}, "invalid_value", "audio"),
        ({"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty", None),
        ({"type": "session.update"}, "missing_required_parameter", "session"),
        ({"type": "session.update", "session": []}, "invalid_value", "session"),
        ({"type": "session.update", "session": {"type": "song"}}, "invalid_value", "session.type"),
        ({"type": "conversation.item.create"}, "missing_required_parameter", "item"),
        ({"type": "conversation.item.create", "item": {"type": "song"}}, "invalid_value", "item.type"),
        ({"type": "conversation.item.create", "item": {"type": {}}}, "invalid_value", "item.type"),
        ({"type": "conversation.item.create", "item": {**ITEM, "role": "god"}}, "invalid_value", "item.role"),
        ({"type": "conversation.item.create", "item": {**ITEM, "content": None}}, "invalid_value", "item.content"),
        ({"type": "conversation.item.create", "item": {**ITEM, "content": []}}, "invalid_value", "item.content"),
        ({"type": "conversation.item.create", "item": {**ITEM, "content": ["a"]}}, "invalid_value", "item.content.0"),
        ({"type": "conversation.item.create", "item": {**ITEM, "id": "x" * 33}}, "invalid_value", "item.id"),
        (
            {"type": "conversation.item.create", "item": ITEM, "previous_item_id": "no"},
            "invalid_value",
            "previous_item_id",
        ),
        ({"type": "conversation.item.delete"}, "missing_required_parameter", "item_id"),
        ({"type": "conversation.item.delete", "item_id": "no"}, "item_delete_invalid_item_id", "item_id"),
        ({"type": "conversation.item.retrieve", "item_id": "no"}, "item_retrieve_invalid_item_id", "item_id"),
        ({"type": "conversation.item.truncate", "item_id": "no"}, "missing_required_parameter", "audio_end_ms"),
        ({"type": "response.cancel"}, "response_cancel_not_active", None),
        ({"type": "response.create", "response": 7}, "invalid_value", "response"),
        ({"type": "response.create", "response": {"conversation": "other"}}, "invalid_value", "response.conversation"),
        ({"type": "response.create", "response": {"input": "Hi"}}, "invalid_value", "response.input"),
        (
            {"type": "response.create", "response": {"input": [{"type": "item_reference"}]}},
            "missing_required_parameter",
            "response.input.0.id",
        ),
        (
            {"type": "response.create", "response": {"input": [{"type": "item_reference", "id": "item_x"}]}},
            "invalid_value",
            "response.input.0.id",
        ),
        (
            {"type": "response.create", "response": {"input": [{"type": "message", "role": "user", "content": []}]}},
            "invalid_value",
            "response.input.0.content",
        ),
        (
            {"type": "response.create", "response": {"max_output_tokens": 0}},
            "invalid_value",
            "response.max_output_tokens",
        ),
        (
            {"type": "response.create", "response": {"output_modalities": []}},
            "invalid_value",
            "response.output_modalities",
        ),
        (
            {"type": "response.create", "response": {"audio": {"output": {"voice": "v" * 201}}}},
            "invalid_value",
            "response.audio.output.voice",
        ),
        (
            {"type": "response.create", "response": {"instructions": "x" * 100_001}},
            "invalid_value",
            "response.instructions",
        ),
    ],
)
def test_a_wrong_event(event: dict[str, Any], code: str, param: str | None) -> None:
    table = Table()
    sent = table.send_frame(json.dumps(event | {"event_id": "mine"}))
    assert get_kinds(sent) == ["error"]
    error = sent[0]["error"]
    assert (error["code"], error["event_id"], error["type"]) == (code, "mine", "invalid_request_error")
    assert error["message"]
    if event.get("type") != "conversation.item.truncate":  # two keys are missing; either may be named
        assert error["param"] == param
    assert get_kinds(table.run_turn())[-1] == "response.done"


def test_an_id_in_use() -> None:
    table = Table()
    table.send("conversation.item.create", item=ITEM | {"id": "same"})
    sent = table.send("conversation.item.create", item=ITEM | {"id": "same"})
    assert sent[0]["error"]["code"] == "item_create_duplicate_item_id"


def test_an_item_that_is_being_written_is_not_deleted() -> None:
    table = Table()
    table.send("response.create")
    item_id = table.write("Well then. ")[0]["item"]["id"]
    assert table.send("conversation.item.delete", item_id=item_id)[0]["error"]["code"] == "item_delete_in_progress"


def test_bounds_of_a_conversation() -> None:
    table = Table(limits=Limits(max_items=1, max_text_chars=10))
    long = ITEM | {"content": [{"type": "input_text", "text": "x" * 11}]}
    assert table.send("conversation.item.create", item=long)[0]["error"]["param"] == "item.content"
    call = {"type": "function_call_output", "call_id": "c", "output": "x" * 11}
    assert table.send("conversation.item.create", item=call)[0]["error"]["param"] == "item.output"
    table.send("conversation.item.create", item=ITEM)
    assert table.send("conversation.item.create", item=ITEM)[0]["error"]["code"] == "conversation_full"


def test_an_item_of_very_many_parts() -> None:
    item = ITEM | {"content": [{"type": "input_text", "text": ""}] * 101}
    assert Table().send("conversation.item.create", item=item)[0]["error"]["param"] == "item.content"


@pytest.mark.parametrize(
    "event",
    [
        {"type": "session.update", "session": {"tools": [{"type": "function", "name": "f" * 1_000_000}]}},
        {"type": "response.create", "response": {"instructions": "x" * 1_000_000}},
    ],
)
def test_a_huge_event_without_audio(event: dict[str, Any]) -> None:
    table = Table()
    assert table.send_frame(json.dumps(event))[0]["error"]["code"] == "invalid_value"
    assert table.machine.state.config.tools == ()


def test_an_event_id_that_is_no_text_is_ignored() -> None:
    assert Table().send_frame('{"type": "nonsense", "event_id": 7}')[0]["error"]["event_id"] is None


@pytest.mark.parametrize(
    "item",
    [
        {"type": "message", "role": "system", "content": [{"type": "input_text", "transcript": 7, "text": ""}]},
        {"type": "function_call", "name": "f", "arguments": "{}", "output": 7},
    ],
)
def test_an_item_with_foreign_keys_of_any_type(item: dict[str, Any]) -> None:
    assert get_kinds(Table().send("conversation.item.create", item=item))[0] == "conversation.item.added"


def test_a_format_without_a_type_is_pcm() -> None:
    audio = {"input": {"format": {"type": None}}, "output": {"format": {}}}
    shown = Table().send("session.update", session={"audio": audio})[0]["session"]["audio"]
    assert shown["input"]["format"] == shown["output"]["format"] == {"type": "audio/pcm", "rate": 24_000}


@pytest.mark.parametrize("nothing", [False, 0, "", {}, []])
def test_extensions_that_are_none(nothing: Any) -> None:
    table = Table()
    assert table.send("session.update", session={"extensions": nothing})[0]["session"]["extensions"] == []
    assert get_kinds(table.run_turn())[-1] == "response.done"
