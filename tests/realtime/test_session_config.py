from typing import Any

import pytest

from tests.realtime.harness import Table, kinds

VAD = "session.audio.input.turn_detection"


def update(table: Table, **session: Any) -> dict[str, Any]:
    sent = table.client("session.update", session=session, event_id="mine")
    assert len(sent) == 1
    return sent[0]


def test_it_works() -> None:
    table = Table()
    created, conversation = table.events[:2]
    assert (created["type"], conversation["type"]) == ("session.created", "conversation.created")
    shown = update(table, instructions="Sing.")["session"]
    assert shown == created["session"] | {"instructions": "Sing."}


def test_an_update_shows_everything_and_keeps_what_it_does_not_name() -> None:
    table = Table()
    update(table, audio={"input": {"turn_detection": {"type": "server_vad", "threshold": 0.7}}})
    shown = update(table, audio={"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 300}}})
    assert shown["session"]["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.7,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 300,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    }


def test_null_clears_and_empty_clears() -> None:
    table = Table()
    null = {"turn_detection": None, "transcription": None, "noise_reduction": None}
    shown = update(table, instructions="", tools=[], tracing=None, audio={"input": null})["session"]
    assert (shown["instructions"], shown["tools"], shown["tracing"]) == ("", [], None)
    assert null.items() <= shown["audio"]["input"].items()


def test_what_clients_send_at_once_is_taken() -> None:
    table = Table()
    agents = {
        "type": "realtime",
        "model": "gpt-realtime-2.1",
        "output_modalities": ["audio"],
        "audio": {
            "input": {
                "turn_detection": {"type": "semantic_vad"},
                "transcription": {"model": "gpt-4o-mini-transcribe"},
            }
        },
        "tracing": "auto",
    }
    shown = update(table, **agents)["session"]
    assert shown["audio"]["input"]["turn_detection"] == {
        "type": "semantic_vad",
        "eagerness": "auto",
        "create_response": True,
        "interrupt_response": True,
    }
    assert shown["model"] == "assistant"
    livekit = {"voice": "marin", "speed": 1.0}
    assert update(table, tool_choice="auto", tracing=None, audio={"output": livekit})["session"]["tracing"] is None
    assert "response.created" in kinds(table.audio(960, 0.9) + table.audio(960, 0.0) + table.transcript("Hello."))


@pytest.mark.parametrize(
    ("session", "param"),
    [
        ({"instructions": 7}, "session.instructions"),
        ({"audio": {"output": {"speed": 9}}}, "session.audio.output.speed"),
        ({"audio": {"output": {"speed": "fast"}}}, "session.audio.output.speed"),
        ({"audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 2}}}}, f"{VAD}.threshold"),
        ({"audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": "x"}}}}, f"{VAD}.threshold"),
        ({"audio": {"input": {"turn_detection": {"type": "guess"}}}}, f"{VAD}.type"),
        ({"audio": {"input": {"format": {"type": "audio/mp3"}}}}, "session.audio.input.format.type"),
        ({"audio": {"input": {"format": {"type": "audio/pcm", "rate": 8000}}}}, "session.audio.input.format.rate"),
        ({"max_output_tokens": 5000}, "session.max_output_tokens"),
        ({"output_modalities": ["video"]}, "session.output_modalities.0"),
        ({"audio": []}, "session.audio"),
    ],
)
def test_a_wrong_value_is_named_and_changes_nothing(session: dict[str, Any], param: str) -> None:
    table = Table()
    before = update(table)["session"]
    refused = update(table, **{"instructions": "changed"} | session)
    assert refused["type"] == "error"
    assert (refused["error"]["param"], refused["error"]["event_id"]) == (param, "mine")
    assert update(table)["session"] == before


def test_the_voice_is_fixed_once_the_assistant_has_spoken() -> None:
    table = Table()
    assert update(table, audio={"output": {"voice": "charon"}})["type"] == "session.updated"
    table.turn()
    assert update(table, audio={"output": {"voice": "charon"}})["type"] == "session.updated"
    assert update(table, audio={"output": {"voice": "kore"}})["error"]["code"] == "cannot_update_voice"


def test_text_and_audio_together_are_taken_as_audio() -> None:
    assert update(Table(), output_modalities=["text", "audio"])["session"]["output_modalities"] == ["audio"]
