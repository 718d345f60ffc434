from typing import Any

import pytest

from conversations.realtime import engine_events
from conversations.realtime.protocol.beta import EVENT_NAMES, BetaDialect
from conversations.realtime.protocol.tools import Tool
from tests.support.realtime import wire
from tests.support.realtime.harness import BARGE_IN_MS, BETA_REPLY, Table, get_kinds

# What GA has and beta never had; clients of beta are not told of it.
GA_ONLY = {"conversation.item.done"} | {name for name in wire.SHAPES if "mcp" in name}
# Named alike in both, and not in beta's union: told only to who asks for it.
UNLISTED = {
    "conversation.item.input_audio_transcription.segment",
    "input_audio_buffer.timeout_triggered",
    "input_audio_buffer.dtmf_event_received",
}
ITEM = {"id": "item_1", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}


def make_table(**turn_detection: Any) -> Table:
    return Table(dialect=BetaDialect(), **turn_detection)


def update(talk: Table, **session: Any) -> dict[str, Any]:
    (sent,) = talk.send("session.update", session=session, event_id="mine")
    return sent


def test_it_works() -> None:
    talk = make_table()
    sent = talk.run_turn(words="Hello there.", reply="Hi.")
    heard = ["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped", "input_audio_buffer.committed"]
    assert get_kinds(sent)[:4] == [*heard, "conversation.item.created"]
    assert [kind for kind in get_kinds(sent) if kind.startswith("response.")] == [
        kind for kind in BETA_REPLY if kind.startswith("response.")
    ]
    done = sent[-1]["response"]
    assert done["output"][0]["content"] == [{"type": "audio", "transcript": "Hi."}]
    assert (done["modalities"], done["voice"], done["output_audio_format"]) == (["text", "audio"], "kore", "pcm16")
    assert done["temperature"] == 0.8
    assert not {"audio", "output_modalities"} & done.keys()


@pytest.mark.parametrize("name", sorted(wire.SHAPES))
def test_every_event_has_its_name_in_beta(name: str) -> None:
    content = {"content": [{"type": "output_audio", "transcript": "Hi"}]}
    event: dict[str, Any] = {"type": name, "event_id": "event_1"}
    if name.endswith((".added", ".item.done", "output_item.done", "retrieved")) and "part" not in name:
        event["item"] = ITEM | content
    if name == "error":
        event["error"] = {"type": "server_error", "code": None, "message": "No.", "param": None, "event_id": None}
    told = BetaDialect().translate_server_event(event)
    if name in GA_ONLY:
        assert told is None
        return
    assert told is not None
    assert told["type"] == EVENT_NAMES.get(name, name)
    assert told["type"] in wire.BETA_SHAPES.keys() | UNLISTED
    assert told["event_id"] == "event_1"
    if "item" in event:
        assert told["item"]["content"] == [{"type": "audio", "transcript": "Hi"}]


def test_nothing_of_beta_is_left_without_its_event() -> None:
    """The names that beta has and GA has not are all told."""
    own = wire.BETA_SHAPES.keys() - wire.SHAPES.keys()
    assert own <= {*EVENT_NAMES.values(), "transcription_session.updated"}


def test_items_of_mcp_are_not_told() -> None:
    call = {"id": "item_2", "type": "mcp_call", "name": "now", "server_label": "site", "arguments": "{}"}
    dialect = BetaDialect()
    added = {"type": "conversation.item.added", "event_id": "event_1", "item": call, "previous_item_id": None}
    assert dialect.translate_server_event(added) is None
    response = {"id": "resp_1", "output": [call, ITEM], "output_modalities": ["text"], "audio": {"output": {}}}
    told = dialect.translate_server_event({"type": "response.done", "event_id": "event_2", "response": response})
    assert told is not None
    assert [item["id"] for item in told["response"]["output"]] == ["item_1"]


def test_the_session_is_flat_both_ways() -> None:
    talk = make_table()
    shown = update(
        talk,
        modalities=["text"],
        voice="charon",
        speed=1.25,
        input_audio_transcription={"model": "whisper-1", "language": "de"},
        input_audio_noise_reduction={"type": "near_field"},
        turn_detection={"type": "server_vad", "threshold": 0.7},
        max_response_output_tokens=100,
        temperature=0.6,
        instructions="Sing.",
    )
    assert shown["type"] == "session.updated"
    session = shown["session"]
    assert session == session | {
        "id": "sess_1",
        "object": "realtime.session",
        "modalities": ["text"],
        "voice": "charon",
        "speed": 1.25,
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm16",
        "input_audio_transcription": {"model": "whisper-1", "language": "de"},
        "input_audio_noise_reduction": {"type": "near_field"},
        "max_response_output_tokens": 100,
        "temperature": 0.6,
        "instructions": "Sing.",
        "tool_choice": "auto",
        "turn_detection": {
            "type": "server_vad",
            "threshold": 0.7,
            "prefix_padding_ms": 300,
            "silence_duration_ms": 500,
            "create_response": True,
            "interrupt_response": True,
        },
    }
    assert not {"type", "audio", "output_modalities", "max_output_tokens"} & session.keys()
    assert talk.machine.state.config.output.to_wire() == {
        "format": {"type": "audio/pcm", "rate": 24_000},
        "voice": "charon",
        "speed": 1.25,
    }


def test_null_clears_the_same_keys() -> None:
    shown = update(make_table(), turn_detection=None, input_audio_transcription=None, instructions="")["session"]
    assert (shown["turn_detection"], shown["input_audio_transcription"], shown["instructions"]) == (None, None, "")


def test_turn_detection_may_leave_its_type_out() -> None:
    assert update(make_table(), turn_detection={"threshold": 0.7})["session"]["turn_detection"]["type"] == "server_vad"
    shown = update(make_table(), turn_detection={"eagerness": "low"})["session"]["turn_detection"]
    assert (shown["type"], shown["eagerness"]) == ("semantic_vad", "low")


def test_a_function_is_chosen_by_its_name() -> None:
    tools = [{"type": "function", "name": "now", "description": "The time.", "parameters": {"type": "object"}}]
    assert update(make_table(), tools=tools, tool_choice="now")["session"]["tool_choice"] == "now"


@pytest.mark.parametrize(
    ("session", "param", "says"),
    [
        ({"speed": 9}, "session.speed", "'session.speed' is 9"),
        ({"turn_detection": {"type": "server_vad", "threshold": 2}}, "session.turn_detection.threshold", "between"),
        ({"turn_detection": {"type": "none"}}, "session.turn_detection.type", "session.turn_detection"),
        ({"max_response_output_tokens": 0}, "session.max_response_output_tokens", "between 1 and 4096"),
        ({"modalities": ["video"]}, "session.modalities.0", "'session.modalities.0'"),
        ({"input_audio_format": "mp3"}, "session.input_audio_format", "'session.input_audio_format'"),
        ({"output_audio_format": ["mp3"]}, "session.output_audio_format", "'session.output_audio_format'"),
        ({"temperature": 7}, "session.temperature", "between 0.6 and 1.2"),
        ({"temperature": True}, "session.temperature", "between 0.6 and 1.2"),
        ({"instructions": 7}, "session.instructions", "'session.instructions'"),
    ],
)
def test_a_wrong_value_is_named_as_beta_spells_it(session: dict[str, Any], param: str, says: str) -> None:
    talk = make_table()
    before = update(talk)["session"]
    refused = update(talk, **{"temperature": 1.0} | session)
    assert (refused["type"], refused["error"]["param"], refused["error"]["event_id"]) == ("error", param, "mine")
    assert says in refused["error"]["message"]
    assert "audio/" not in refused["error"]["message"]
    assert update(talk)["session"] == before


def test_what_the_reference_client_sends_at_once() -> None:
    body = {
        "modalities": ["text", "audio"],
        "instructions": "",
        "voice": "verse",
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm16",
        "input_audio_transcription": None,
        "turn_detection": None,
        "tools": [],
        "tool_choice": "auto",
        "temperature": 0.8,
        "max_response_output_tokens": 4096,
    }
    shown = update(make_table(), **body)
    assert shown["session"] == shown["session"] | body


def test_a_response_takes_the_flat_keys() -> None:
    talk = make_table()
    asked = {"modalities": ["text"], "max_response_output_tokens": 50, "instructions": "Rhyme.", "temperature": 0.7}
    (created,) = talk.send("response.create", response=asked)
    shown = created["response"]
    assert (shown["modalities"], shown["max_output_tokens"], shown["output"]) == (["text"], 50, [])
    sent = talk.write("Rose") + talk.end_text()
    assert "response.text.delta" in get_kinds(sent)
    assert sent[-1]["response"]["output"][0]["content"] == [{"type": "text", "text": "Rose"}]


def test_a_response_with_a_wrong_value() -> None:
    (refused,) = make_table().send("response.create", response={"max_response_output_tokens": 5000})
    assert refused["error"]["param"] == "response.max_response_output_tokens"
    (refused,) = make_table().send("response.create", response={"temperature": "hot"})
    assert refused["error"]["param"] == "response.temperature"


def test_items_are_told_once() -> None:
    talk = make_table()
    part = {"type": "text", "text": "Hello."}
    sent = talk.send("conversation.item.create", item={"type": "message", "role": "assistant", "content": [part]})
    assert get_kinds(sent) == ["conversation.item.created"]
    assert sent[0]["item"]["content"] == [part]
    (got,) = talk.send("conversation.item.retrieve", item_id=sent[0]["item"]["id"])
    assert got["item"] == sent[0]["item"]


def test_barge_in() -> None:
    talk = make_table()
    (
        talk.say()
        + talk.report_transcript("Tell me.")
        + talk.write("Well, that is a long story. And more. ")
        + talk.speak()
    )
    sent = talk.send_audio(BARGE_IN_MS, 0.9)
    closing = ["response.audio.done", "response.audio_transcript.done", "response.content_part.done"]
    assert get_kinds(sent)[1:] == [*closing, "response.output_item.done", "response.done"]
    assert sent[-1]["response"]["status"] == "cancelled"


def test_a_session_that_is_no_object_is_refused() -> None:
    (refused,) = make_table().send("session.update", session=[])
    assert refused["error"]["param"] == "session"


def test_nothing_of_mcp_is_told() -> None:
    talk = make_table()
    talk.report(engine_events.ToolsReady((Tool("clock", "The time.", {"type": "object"}, "site"),)))
    assert update(talk, tools=[{"type": "mcp", "server_label": "site"}])["session"]["tools"] == []


def test_all_that_a_value_may_be_is_named_as_beta_spells_it() -> None:
    message = update(make_table(), input_audio_format="mp3")["error"]["message"]
    assert message.endswith("is not valid: Input should be 'pcm16' or 'g711_ulaw' or 'g711_alaw'.")
