from typing import Any

import pytest

from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.session_update import update_config
from conversations.realtime.protocol.tools import Tool
from tests.support.realtime.harness import Table, get_kinds

VAD = "session.audio.input.turn_detection"
TRANSCRIPTION = "session.audio.input.transcription"
RETENTION = {"type": "retention_ratio", "retention_ratio": 0.8}
PARAMETERS = {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]}
TOOL = {"type": "function", "name": "now", "description": "The time.", "parameters": PARAMETERS}


def update(table: Table, **session: Any) -> dict[str, Any]:
    sent = table.send("session.update", session=session, event_id="mine")
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


AGENTS = {
    "type": "realtime",
    "model": "gpt-realtime-2.1",
    "instructions": "Be kind.",
    "output_modalities": ["audio"],
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24_000},
            "turn_detection": {"type": "semantic_vad"},
            "transcription": {"model": "gpt-4o-mini-transcribe"},
        },
        "output": {"format": {"type": "audio/pcm", "rate": 24_000}, "speed": 1},
    },
    "tool_choice": "auto",
    "tools": [TOOL | {"strict": True}],
}
LIVEKIT = {
    "type": "realtime",
    "model": "gpt-realtime",
    "output_modalities": ["audio"],
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24_000},
            "noise_reduction": None,
            "transcription": {"model": "gpt-4o-mini-transcribe"},
            "turn_detection": {
                "type": "semantic_vad",
                "create_response": True,
                "eagerness": "medium",
                "interrupt_response": True,
            },
        },
        "output": {"format": {"type": "audio/pcm", "rate": 24_000}, "speed": 1.0, "voice": "marin"},
    },
    "max_output_tokens": "inf",
    "tool_choice": "auto",
    "tracing": None,
}
PIPECAT = {
    "type": "realtime",
    "instructions": "Be kind.",
    "tools": [],
    "audio": {
        "input": {
            "transcription": {"model": "gpt-4o-transcribe", "language": "en"},
            "turn_detection": {
                "type": "server_vad",
                "threshold": 0.5,
                "prefix_padding_ms": 300,
                "silence_duration_ms": 500,
            },
            "noise_reduction": {"type": "near_field"},
        },
        "output": {"voice": "alloy"},
    },
}
HABITS: dict[str, list[dict[str, Any]]] = {
    "agents": [AGENTS, {"type": "realtime", "tracing": "auto"}],
    "agents, with a trace of its own": [{"type": "realtime", "tracing": {"workflow_name": "talk", "metadata": {}}}],
    "livekit": [LIVEKIT, {"type": "realtime", "model": "gpt-realtime", "tools": [TOOL]}, {"type": "realtime"}],
    "pipecat": [PIPECAT, {"type": "realtime", "audio": {"input": {"turn_detection": None}}}],
}


@pytest.mark.parametrize("client", HABITS)
def test_what_clients_send_at_once_is_taken(client: str) -> None:
    table = Table()
    for body in HABITS[client]:
        assert update(table, **body)["type"] == "session.updated"
    assert table.machine.state.config.model == "assistant"


def test_what_such_a_client_set_is_in_force() -> None:
    table = Table()
    shown = update(table, **AGENTS)["session"]
    assert shown["tools"] == [TOOL]
    assert shown["audio"]["input"]["turn_detection"] == {
        "type": "semantic_vad",
        "eagerness": "auto",
        "create_response": True,
        "interrupt_response": True,
    }
    assert "response.created" in get_kinds(
        table.send_audio(960, 0.9) + table.send_audio(960, 0.0) + table.report_transcript("Hello.")
    )


def test_what_a_cascade_cannot_honour_is_shown() -> None:
    given = {
        "tracing": {"workflow_name": "talk"},
        "truncation": RETENTION | {"token_limits": {"post_instructions": 8_000}},
        "prompt": {"id": "pmpt_1", "version": "2", "variables": {"name": "Ada"}},
        "include": ["item.input_audio_transcription.logprobs"],
        "reasoning": {"effort": "low"},
        "parallel_tool_calls": False,
        "max_output_tokens": 4096,
    }
    heard = {"noise_reduction": {"type": "far_field"}, "transcription": {"model": "whisper-1", "prompt": "Names."}}
    shown = update(Table(), **given, audio={"input": heard, "output": {"voice": {"id": "voice_1"}}})["session"]
    assert shown == shown | given
    assert shown["audio"]["input"] == shown["audio"]["input"] | heard
    assert shown["audio"]["output"]["voice"] == "voice_1"


def test_the_session_may_be_sent_back_as_it_was_shown() -> None:
    """As clients do that change one key of what they got."""
    table = Table()
    shown = update(table, tools=[TOOL], tool_choice={"type": "function", "name": "now"})["session"]
    assert update(table, **shown)["session"] == shown


def test_keys_at_a_wrong_place_are_ignored() -> None:
    table = Table()
    before = update(table)["session"]
    misplaced = {"prompt": {"id": "pmpt_1"}, "include": [], "extensions": ["captions"]}
    audio = {"input": {"turn_detection": {"type": "server_vad", **misplaced}, **misplaced}, "output": misplaced}
    assert update(table, audio=audio, speed=2)["session"] == before


def test_what_is_the_servers_own_does_not_change() -> None:
    table = Table()
    before = update(table)["session"]
    assert update(table, id="sess_other", object="other", expires_at=1, model="other")["session"] == before


def test_tools_and_the_choice_among_them() -> None:
    table = Table()
    choice = {"type": "function", "name": "now"}
    bare = {"name": "later"}  # the type may be left out
    shown = update(table, tools=[TOOL, bare], tool_choice=choice)["session"]
    assert shown["tools"] == [TOOL, {"type": "function", "name": "later"}]
    assert shown["tool_choice"] == choice
    assert update(table, tools=[])["error"]["param"] == "session.tool_choice.name"  # it would name nothing
    shown = update(table, tools=[], tool_choice="none")["session"]
    assert (shown["tools"], shown["tool_choice"]) == ([], "none")


def test_a_remote_server_is_one_that_an_admin_configured() -> None:
    table = Table()
    own = Tool("search", "Searches.", {"type": "object"}, server_label="wiki")
    table.machine.state.own_tools = (own,)
    given = {"type": "mcp", "server_label": "wiki", "server_url": "https://elsewhere.example"}
    choice = {"type": "mcp", "server_label": "wiki"}
    shown = table.send("session.update", session={"tools": [given], "tool_choice": choice})[0]["session"]
    assert shown["tools"] == [{"type": "mcp", "server_label": "wiki"}]
    assert shown["tool_choice"] == {"type": "mcp", "server_label": "wiki"}
    chosen = {"type": "function", "name": "search"}
    assert update(table, tool_choice=chosen)["session"]["tool_choice"] == chosen


@pytest.mark.parametrize("key", ["parameters", "anything"])
def test_what_is_nested_too_deeply_to_be_copied(key: str) -> None:
    table, nested = Table(), {}  # type: ignore[var-annotated]
    for _ in range(300):
        nested = {"properties": nested}
    given = {"tools": [{"name": "now", key: nested}]}
    assert update(table, **given)["error"]["code"] == "invalid_value"
    assert table.send("response.create", response=given)[0]["error"]["code"] == "invalid_value"
    with pytest.raises(ProtocolError, match="deeper than 64 levels"):  # of a client secret, which is no event
        update_config(table.machine.state.config, given, has_sent_audio=False)
    assert update(table)["type"] == "session.updated"


@pytest.mark.parametrize("side", ["input", "output"])
def test_formats(side: str) -> None:
    table = Table()
    for kind in ("audio/pcmu", "audio/pcma"):
        given = {"type": kind, "rate": 8_000}  # as some clients add
        shown = update(table, audio={side: {"format": given}})["session"]["audio"]
        assert shown[side]["format"] == {"type": kind}
    other = "output" if side == "input" else "input"
    assert shown[other]["format"] == {"type": "audio/pcm", "rate": 24_000}
    shown = update(table, audio={side: {"format": {"type": "audio/pcm"}}})["session"]["audio"]
    assert shown[side]["format"] == {"type": "audio/pcm", "rate": 24_000}


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
        ({"output_modalities": []}, "session.output_modalities"),
        ({"audio": []}, "session.audio"),
        ({"audio": {"input": {"turn_detection": {}}}}, f"{VAD}.type"),
        ({"audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "x"}}}}, f"{VAD}.eagerness"),
        ({"audio": {"input": {"noise_reduction": {"type": "x"}}}}, "session.audio.input.noise_reduction.type"),
        ({"audio": {"input": {"transcription": {"prompt": 7}}}}, "session.audio.input.transcription.prompt"),
        ({"audio": {"input": {"transcription": {"prompt": "x" * 100_001}}}}, f"{TRANSCRIPTION}.prompt"),
        ({"audio": {"output": {"voice": {}}}}, "session.audio.output.voice.id"),
        ({"audio": {"output": {"voice": "x" * 201}}}, "session.audio.output.voice"),
        ({"max_output_tokens": "many"}, "session.max_output_tokens"),
        ({"max_output_tokens": 1.5}, "session.max_output_tokens"),
        ({"truncation": "never"}, "session.truncation"),
        ({"truncation": {"type": "retention_ratio"}}, "session.truncation.retention_ratio"),
        ({"truncation": {"type": "retention_ratio", "retention_ratio": 2}}, "session.truncation.retention_ratio"),
        (
            {"truncation": RETENTION | {"token_limits": {"post_instructions": -1}}},
            "session.truncation.token_limits.post_instructions",
        ),
        ({"tracing": "sometimes"}, "session.tracing"),
        ({"tracing": {"workflow_name": 7}}, "session.tracing.workflow_name"),
        ({"prompt": {"version": "1"}}, "session.prompt.id"),
        ({"include": ["everything"]}, "session.include.0"),
        ({"reasoning": {"effort": "immense"}}, "session.reasoning.effort"),
        ({"parallel_tool_calls": "x"}, "session.parallel_tool_calls"),
        ({"tools": {}}, "session.tools"),
        ({"tools": [TOOL] * 129}, "session.tools"),
        ({"tools": ["now"]}, "session.tools.0"),
        ({"tools": [TOOL, {"type": "function"}]}, "session.tools.1.name"),
        ({"tools": [TOOL | {"name": "the time"}]}, "session.tools.0.name"),
        ({"tools": [TOOL, TOOL]}, "session.tools.1.name"),
        ({"tools": [TOOL | {"description": 7}]}, "session.tools.0.description"),
        ({"tools": [TOOL | {"parameters": "none"}]}, "session.tools.0.parameters"),
        ({"tools": [TOOL | {"type": "web_search"}]}, "session.tools.0.type"),
        ({"tools": [{"type": "mcp"}]}, "session.tools.0.server_label"),
        ({"tools": [{"type": "mcp", "server_label": "x"}]}, "session.tools.0.server_label"),
        ({"tool_choice": "now"}, "session.tool_choice"),
        ({"tool_choice": 7}, "session.tool_choice"),
        ({"tool_choice": {"name": "now"}}, "session.tool_choice.type"),
        ({"tool_choice": {"type": "function", "name": "now"}}, "session.tool_choice.name"),
        ({"tool_choice": {"type": "mcp", "server_label": "x"}}, "session.tool_choice.server_label"),
        ({"extensions": ["magic"]}, "session.extensions"),
        ({"type": "song"}, "session.type"),
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
    table.run_turn()
    assert update(table, audio={"output": {"voice": "charon"}})["type"] == "session.updated"
    assert update(table, audio={"output": {"voice": "kore"}})["error"]["code"] == "cannot_update_voice"


def test_text_and_audio_together_are_taken_as_audio() -> None:
    assert update(Table(), output_modalities=["text", "audio"])["session"]["output_modalities"] == ["audio"]
