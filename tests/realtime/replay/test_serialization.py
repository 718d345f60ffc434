"""What a recording holds comes back as it was, whatever it is; and nothing comes back that is not in the table."""

import json
from contextlib import suppress
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.realtime.engine_events import EngineEvent, SpeechAudio, ToolsReady
from conversations.realtime.machine import TurnMachine
from conversations.realtime.protocol.client_events import AudioAppend, ClientEvent, SessionUpdate, parse_event
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.items import LiveItem, Usage
from conversations.realtime.protocol.session_update import update_config
from conversations.realtime.protocol.tools import Tool
from conversations.realtime.relay.upstream_events import UpstreamEvent
from conversations.realtime.replay.redaction import LEFT_OUT, build_scrubber
from conversations.realtime.replay.serialization import (
    EVENTS,
    MACHINES,
    BrokenValueError,
    Decoder,
    Encoder,
    decode_arguments,
    decode_event,
    get_name,
)
from conversations.realtime.state import SessionSetup
from tests.support.realtime.any_events import TOOL, any_event
from tests.support.realtime.harness import Table

ITEM = LiveItem("item_1", role="user", clauses=[("Hello.", 300)], call={"name": "f"}, usage=Usage(1.5, 3))


def make_decoder() -> Decoder:
    made = Decoder()
    made.begin_line()
    return made


def encode_and_decode(event: Any, *, with_sound: bool = True) -> Any:
    text = json.dumps(Encoder(with_sound, lambda text: text).encode(event))
    return decode_event(get_name(type(event)), json.loads(text, object_hook=make_decoder().decode_object))


@given(any_event)
def test_any_client_event(data: dict[str, Any]) -> None:
    try:
        event = parse_event(json.dumps(data))
    except ProtocolError:
        return
    again = encode_and_decode(event)
    assert again == event
    assert type(again) is type(event)
    assert repr(encode_and_decode(event, with_sound=False)).count("Sound") == repr(event).count("Sound")


@pytest.mark.parametrize("event_type", get_args(EngineEvent), ids=lambda one: one.__name__)
def test_every_engine_event_is_known(event_type: type) -> None:
    assert EVENTS[event_type.__name__] is event_type


def test_every_event_has_a_name_of_its_own() -> None:
    assert {*EVENTS.values()} >= {*get_args(ClientEvent), *get_args(EngineEvent), UpstreamEvent}


def test_nested_values() -> None:
    tool = Tool("f", "", {"type": "object", "properties": {"$ref": {"$silence": 10**12}}}, "house")
    ready = ToolsReady((tool,), frozenset({"house", "garden"}))
    assert encode_and_decode(ready) == ready
    assert encode_and_decode(SpeechAudio("resp_1", 0, b"\0\1" * 99)) == SpeechAudio("resp_1", 0, b"\0\1" * 99)


def test_what_the_machines_are_built_with() -> None:
    encoded = Encoder(False, lambda text: text).encode({"items": [ITEM], "conversation_id": "conv_1"})
    for machine in MACHINES.values():
        [item] = decode_arguments(machine, json.loads(json.dumps(encoded)))["items"]
        assert repr(item) == repr(ITEM)
    with pytest.raises(BrokenValueError, match="is built with"):
        decode_arguments(TurnMachine, {"make_id": "os.system"})


def test_arguments_of_older_recordings_are_read_by_their_present_names() -> None:
    setup = decode_arguments(TurnMachine, {"manner": {"speculation": False, "streams": True}})["setup"]
    assert setup == SessionSetup(preemptive_generation=False, has_streaming_stt=True)


def test_sound_of_items_in_older_recordings_is_in_base64() -> None:
    part = {"type": "input_audio", "audio": "BwcHBw=="}
    given = {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": [part]}}
    assert decode_event("conversation.item.create", given) == parse_event(json.dumps(given))
    part["audio"] = "!"
    with pytest.raises(BrokenValueError):
        decode_event("conversation.item.create", given)


def test_without_sound_its_length_is_kept() -> None:
    assert encode_and_decode(AudioAppend(b"\7" * 960), with_sound=False) == AudioAppend(bytes(960))
    told = UpstreamEvent({"type": "response.output_audio.delta", "delta": "BwcHBw==", "item_id": "item_1"})
    assert encode_and_decode(told, with_sound=False).event["delta"] == "AAAAAA=="
    none = UpstreamEvent(
        {"type": "response.output_audio.delta", "delta": "no base64, but maybe sound", "item_id": "item_1"}
    )
    assert "maybe" not in str(encode_and_decode(none, with_sound=False))


def test_a_key_like_ours_stays_the_clients() -> None:
    event = SessionUpdate({"$silence": 10**15, "metadata": {"$base64": "x", "a": [{"$object": 1}]}})
    assert encode_and_decode(event) == event


def test_secrets_by_their_keys_and_by_their_looks() -> None:
    encoder = Encoder(False, build_scrubber(["known-secret"]))
    patch = {
        "tools": [{"Authorization": "a", "headers": {"x": "b"}, "server_url": "https://c:d@host.example/mcp?key=e#f"}],
        "instructions": "Say known-secret, sk-abcdefghijklmnop1234, Bearer abcdefgh and https://me:word@host.example.",
        "input_tokens": 7,
    }
    [tool] = encoder.encode(SessionUpdate(patch))["patch"]["tools"]
    assert tool == {
        "Authorization": LEFT_OUT, "headers": {"x": LEFT_OUT}, "server_url": "https://host.example/mcp",
    }  # fmt: skip
    encoded = encoder.encode(patch)
    assert encoded["instructions"] == f"Say {LEFT_OUT}, {LEFT_OUT}, {LEFT_OUT} and https://{LEFT_OUT}host.example."
    assert encoded["input_tokens"] == 7


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("os.system", {}),
        ("builtins.eval", {}),
        (["SpeechWindow"], {}),
        ("SpeechWindow", None),
        ("SpeechWindow", {"probability": "much"}),
        ("SpeechWindow", {}),
        ("GenerationDone", {"response_id": "r", "reason": "none of ours"}),
        ("conversation.item.create", {"type": "conversation.item.create"}),
    ],
)
def test_what_is_no_event(name: Any, given: Any) -> None:
    with pytest.raises(BrokenValueError):
        decode_event(name, given)


@given(st.recursive(st.integers() | st.text(max_size=5) | st.none(), lambda one: st.lists(one) | st.dictionaries(
    st.sampled_from(["$silence", "$silence64", "$base64", "$object", "$else", "a"]), one), max_leaves=8))  # fmt: skip
def test_any_object(value: Any) -> None:
    with suppress(BrokenValueError):
        json.loads(json.dumps(value), object_hook=make_decoder().decode_object)


CONFIGS: list[dict[str, Any]] = [
    {},
    {"type": "transcription", "audio": {"input": {"turn_detection": None, "transcription": None}}},
    {"tools": [TOOL, {"type": "mcp", "server_label": "wiki"}], "tool_choice": {"type": "mcp", "server_label": "wiki"}},
    {"tool_choice": {"type": "function", "name": "search"}},  # which the server runs, and the client did not declare
    {
        "extensions": ["playback"],
        "prompt": None,
        "reasoning": {"effort": "low"},
        "tracing": {"workflow_name": "talk"},
        "max_output_tokens": 9,
        "output_modalities": ["text"],
        "truncation": {"type": "retention_ratio", "retention_ratio": 0.5, "token_limits": {"post_instructions": 8}},
        "audio": {"input": {"format": {"type": "audio/pcma"}, "turn_detection": {"type": "semantic_vad"}}},
    },
]


@pytest.mark.parametrize("patch", CONFIGS, ids=range(len(CONFIGS)))
def test_a_configuration(patch: dict[str, Any]) -> None:
    table = Table()
    own = Tool("search", "Searches.", {"type": "object"}, server_label="wiki")
    config = update_config(table.machine.state.config, patch, has_sent_audio=False, own_tools=[own])
    encoded = json.loads(json.dumps(Encoder(False, lambda text: text).encode({"config": config})))
    assert encoded["config"] == config.to_wire()
    for machine in MACHINES.values():
        assert decode_arguments(machine, encoded) == {"config": config}


@pytest.mark.parametrize("key", ["id", "type", "tools", "tool_choice"])
@pytest.mark.parametrize("value", [None, 7, [7], {"type": []}])
def test_what_is_no_configuration(key: str, value: Any) -> None:
    shown = {**Table().machine.state.config.to_wire(), key: value}
    if key == "id":
        del shown[key]
    with pytest.raises(BrokenValueError, match="config does not fit"):
        decode_arguments(TurnMachine, {"config": shown})
