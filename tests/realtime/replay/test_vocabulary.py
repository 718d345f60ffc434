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
from conversations.realtime.protocol.tools import Tool
from conversations.realtime.relay.upstream_events import UpstreamEvent
from conversations.realtime.replay.secrets import LEFT_OUT, build_scrubber
from conversations.realtime.replay.vocabulary import (
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
from tests.support.realtime.any_events import any_event

ITEM = LiveItem("item_1", role="user", clauses=[("Hello.", 300)], call={"name": "f"}, usage=Usage(1.5, 3))


def decoder() -> Decoder:
    made = Decoder()
    made.begin_line()
    return made


def there_and_back(event: Any, *, with_sound: bool = True) -> Any:
    text = json.dumps(Encoder(with_sound, lambda text: text).encode(event))
    return decode_event(get_name(type(event)), json.loads(text, object_hook=decoder().decode_object))


@given(any_event)
def test_any_client_event(data: dict[str, Any]) -> None:
    try:
        event = parse_event(json.dumps(data))
    except ProtocolError:
        return
    again = there_and_back(event)
    assert again == event
    assert type(again) is type(event)
    assert repr(there_and_back(event, with_sound=False)).count("Sound") == repr(event).count("Sound")


@pytest.mark.parametrize("event_type", get_args(EngineEvent), ids=lambda one: one.__name__)
def test_every_engine_event_is_known(event_type: type) -> None:
    assert EVENTS[event_type.__name__] is event_type


def test_every_event_has_a_name_of_its_own() -> None:
    assert {*EVENTS.values()} >= {*get_args(ClientEvent), *get_args(EngineEvent), UpstreamEvent}


def test_nested_values() -> None:
    tool = Tool("f", "", {"type": "object", "properties": {"$ref": {"$silence": 10**12}}}, "house")
    ready = ToolsReady((tool,), frozenset({"house", "garden"}))
    assert there_and_back(ready) == ready
    assert there_and_back(SpeechAudio("resp_1", 0, b"\0\1" * 99)) == SpeechAudio("resp_1", 0, b"\0\1" * 99)


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


def test_without_sound_its_length_is_kept() -> None:
    assert there_and_back(AudioAppend(b"\7" * 960), with_sound=False) == AudioAppend(bytes(960))
    told = UpstreamEvent({"type": "response.output_audio.delta", "delta": "BwcHBw==", "item_id": "item_1"})
    assert there_and_back(told, with_sound=False).event["delta"] == "AAAAAA=="
    none = UpstreamEvent(
        {"type": "response.output_audio.delta", "delta": "no base64, but maybe sound", "item_id": "item_1"}
    )
    assert "maybe" not in str(there_and_back(none, with_sound=False))


def test_a_key_like_ours_stays_the_clients() -> None:
    event = SessionUpdate({"$silence": 10**15, "metadata": {"$base64": "x", "a": [{"$object": 1}]}})
    assert there_and_back(event) == event


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
        json.loads(json.dumps(value), object_hook=decoder().decode_object)
