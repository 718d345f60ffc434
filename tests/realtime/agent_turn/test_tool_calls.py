"""Functions of the client end a response; tools of the server are run amid it, and it goes on."""

import json
from typing import Any

from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.context import ContextCall, ContextMessage
from conversations.realtime.agent_turn.generation import FILLER_SEC, MAX_ROUNDS
from conversations.realtime.agent_turn.tool_calls import CUT_OFF
from conversations.realtime.protocol.tools import Tool
from conversations.realtime.state import Limits
from tests.support.realtime.harness import BARGE_IN_MS, Table, kinds, typed

WEATHER = {"type": "function", "name": "weather", "description": "Now.", "parameters": {"type": "object"}}
CLOCK = Tool("clock", "The time.", {"type": "object", "properties": {}}, "site")
SEARCH = Tool("search", "What was said.", {"type": "object", "properties": {}}, "site")


def asked(*declared: dict[str, Any], own: tuple[Tool, ...] = (CLOCK, SEARCH), modality: str = "text") -> Table:
    """A response to “Hello there.” is being generated."""
    table = Table()
    table.engine(engine_events.ToolsReady(own))
    table.client("session.update", session={"tools": declared, "output_modalities": [modality]})
    table.client("conversation.item.create", item=typed("Hello there."))
    table.client("response.create")
    return table


def call(table: Table, name: str, arguments: str = "{}", index: int = 0, call_id: str = "") -> list[dict[str, Any]]:
    """As a model writes it: its name, then its arguments in two pieces."""
    response_id, half = table.last(commands.Generate).response_id, len(arguments) // 2
    call_id = call_id or f"call_{name}"
    sent = table.engine(engine_events.ToolCallDelta(response_id, index, call_id, name, ""))
    sent += table.engine(engine_events.ToolCallDelta(response_id, index, "", "", arguments[:half]))
    return sent + table.engine(engine_events.ToolCallDelta(response_id, index, "", "", arguments[half:]))


def run(table: Table, output: str = "Noon.", error: str = "") -> list[dict[str, Any]]:
    """The tool that was asked for last."""
    tool = table.last(commands.RunTool)
    return table.engine(engine_events.ToolCallDone(tool.response_id, tool.item_id, output, error))


def test_it_works() -> None:
    table = asked(WEATHER)
    assert [tool.name for tool in table.last(commands.Generate).tools] == ["weather", "clock", "search"]
    sent = call(table, "weather", '{"city": "Oslo"}') + table.end_text()
    assert kinds(sent) == [
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    assert sent[0]["item"] | {"id": ""} == {
        "id": "",
        "object": "realtime.item",
        "type": "function_call",
        "status": "in_progress",
        "name": "weather",
        "call_id": "call_weather",
        "arguments": "",
    }
    done = sent[-1]["response"]
    assert (done["status"], done["output"][0]["arguments"]) == ("completed", '{"city": "Oslo"}')
    assert done["usage"]["total_tokens"] == 25
    assert table.saved(done["output"][0]["id"]).usage.input_tokens == 20
    assert not [action for action in table.actions if isinstance(action, commands.RunTool)]


def test_the_client_answers_and_asks_again() -> None:
    table = asked(WEATHER)
    call(table, "weather", '{"city": "Oslo"}')
    table.end_text()
    output = {"type": "function_call_output", "call_id": "call_weather", "output": "Rain."}
    assert kinds(table.client("conversation.item.create", item=output)) == [
        "conversation.item.added",
        "conversation.item.done",
    ]
    table.client("response.create")
    assert table.last(commands.Generate).messages == [
        ContextMessage("system", "Be brief."),
        ContextMessage("user", "Hello there."),
        ContextMessage("assistant", "", (ContextCall("call_weather", "weather", '{"city": "Oslo"}'),)),
        ContextMessage("tool", "Rain.", call_id="call_weather"),
    ]


def test_a_call_that_nobody_answered_is_not_shown_to_the_model() -> None:
    table = asked(WEATHER)
    call(table, "weather")
    table.end_text()
    table.client("response.create")
    assert [said.role for said in table.last(commands.Generate).messages] == ["system", "user"]


def test_a_spoken_preamble_comes_first() -> None:
    table = asked(WEATHER, modality="audio")
    sent = table.write("Let me look. ") + call(table, "weather") + table.end_text()
    assert "response.done" not in kinds(sent)
    indexes = {event["item"]["type"]: event["output_index"] for event in sent if event["type"].endswith("item.added")
               and "output_index" in event}  # fmt: skip
    assert indexes == {"message": 0, "function_call": 1}
    done = table.speak()[-1]["response"]
    assert [item["type"] for item in done["output"]] == ["message", "function_call"]
    output = {"type": "function_call_output", "call_id": "call_weather", "output": "Rain."}
    table.client("conversation.item.create", item=output)
    table.client("response.create")
    roles = [said.role for said in table.last(commands.Generate).messages]
    assert roles == ["system", "user", "assistant", "assistant", "tool"]


def test_a_call_is_handed_over_when_all_is_said() -> None:
    """Clients ask for the next response at once, which would be refused while this one speaks."""
    table = asked(WEATHER, modality="audio")
    sent = table.write("Let me look. ") + call(table, "weather") + table.end_text()
    assert "response.function_call_arguments.done" not in kinds(sent)
    assert kinds(table.speak())[-7:] == [
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]


def test_a_barge_in_before_the_call_was_handed_over() -> None:
    table = asked(WEATHER, modality="audio")
    table.write("Let me look. ")
    call(table, "weather")
    table.end_text()
    sent = table.audio(BARGE_IN_MS, 0.9)
    assert "response.function_call_arguments.done" not in kinds(sent)
    done = next(event["response"] for event in sent if event["type"] == "response.done")
    assert [item["status"] for item in done["output"]] == ["incomplete", "incomplete"]


def test_several_calls_at_once() -> None:
    table = asked(WEATHER)
    sent = call(table, "weather", '{"city": "Oslo"}') + call(table, "weather", '{"city": "Rome"}', 1, "call_2")
    done = (sent + table.end_text())[-1]["response"]
    assert [json.loads(item["arguments"])["city"] for item in done["output"]] == ["Oslo", "Rome"]


def test_the_servers_own_tool_is_run_and_the_response_goes_on() -> None:
    table = asked()
    sent = call(table, "clock") + table.end_text()
    assert kinds(sent)[-2:] == ["response.mcp_call_arguments.done", "response.mcp_call.in_progress"]
    assert sent[0]["item"]["server_label"] == "site"
    sent = run(table)
    assert kinds(sent) == ["response.mcp_call.completed", "conversation.item.done", "response.output_item.done"]
    assert sent[1]["item"]["output"] == "Noon."
    assert table.last(commands.Generate).messages[-2:] == [
        ContextMessage("assistant", "", (ContextCall("call_clock", "clock", "{}"),)),
        ContextMessage("tool", "Noon.", call_id="call_clock"),
    ]
    done = (table.write("It is noon.") + table.end_text())[-1]["response"]
    assert [item["type"] for item in done["output"]] == ["mcp_call", "message"]
    assert (done["status"], done["usage"]["input_tokens"]) == ("completed", 40)
    assert table.saved(done["output"][0]["id"]).call["output"] == "Noon."
    table.client("conversation.item.create", item=typed("And now?"))
    table.client("response.create")
    assert [said.words for said in table.last(commands.Generate).messages[-3:]] == ["Noon.", "It is noon.", "And now?"]


def test_what_was_said_before_and_after_a_tool_is_one_message() -> None:
    table = asked(modality="audio")
    table.write("Let me look.")
    call(table, "clock")
    table.end_text()
    run(table)
    assert [said.role for said in table.last(commands.Generate).messages] == [
        "system", "user", "assistant", "assistant", "tool"
    ]  # fmt: skip
    table.write("It is noon.")
    table.end_text()
    done = table.speak()[-1]["response"]
    assert [item["type"] for item in done["output"]] == ["message", "mcp_call"]
    assert done["output"][0]["content"][0]["transcript"] == "Let me look. It is noon."


def test_a_tool_that_failed_is_told_to_the_model_and_shown() -> None:
    table = asked()
    call(table, "clock")
    table.end_text()
    sent = run(table, "", "It took longer than 5 s.")
    assert kinds(sent)[0] == "response.mcp_call.failed"
    assert sent[1]["item"]["error"] == {"type": "tool_execution_error", "message": "It took longer than 5 s."}
    assert table.last(commands.Generate).messages[-1].words == "It took longer than 5 s."


def test_a_tool_that_nobody_offered() -> None:
    table = asked()
    sent = call(table, "launch") + table.end_text()
    assert "response.mcp_call.failed" in kinds(sent)
    assert "There is no tool 'launch'." in table.last(commands.Generate).messages[-1].words
    assert (table.write("I cannot.") + table.end_text())[-1]["response"]["status"] == "completed"


def test_tools_run_side_by_side_and_all_are_awaited() -> None:
    table = asked()
    call(table, "clock")
    call(table, "search", index=1)
    table.end_text()
    clock, search = [action for action in table.actions if isinstance(action, commands.RunTool)]
    generates = len([action for action in table.actions if isinstance(action, commands.Generate)])
    table.engine(engine_events.ToolCallDone(search.response_id, search.item_id, "Nothing.", ""))
    assert len([action for action in table.actions if isinstance(action, commands.Generate)]) == generates
    table.engine(engine_events.ToolCallDone(clock.response_id, clock.item_id, "Noon.", ""))
    assert [said.words for said in table.last(commands.Generate).messages if said.role == "tool"] == [
        "Noon.",
        "Nothing.",
    ]


def test_calls_of_both_kinds_leave_the_next_word_to_the_client() -> None:
    table = asked(WEATHER)
    call(table, "clock")
    call(table, "weather", index=1)
    assert "response.done" not in kinds(table.end_text())
    assert kinds(run(table))[-1] == "response.done"


def test_a_client_function_hides_the_servers_tool_of_its_name() -> None:
    table = asked(WEATHER | {"name": "clock"})
    assert "response.function_call_arguments.done" in kinds(call(table, "clock") + table.end_text())


def test_a_model_that_calls_for_ever_may_at_last_call_no_more() -> None:
    table = asked()
    for _ in range(MAX_ROUNDS - 1):
        call(table, "clock")
        table.end_text()
        run(table)
    assert table.last(commands.Generate).tool_choice == "none"


def test_what_must_be_called_must_be_called_once() -> None:
    table = Table()
    table.engine(engine_events.ToolsReady((CLOCK,)))
    table.client("response.create", response={"tool_choice": "required", "output_modalities": ["text"]})
    assert table.last(commands.Generate).tool_choice == "required"
    call(table, "clock")
    table.end_text()
    run(table)
    assert table.last(commands.Generate).tool_choice == "auto"


def test_a_word_is_said_while_a_tool_takes_long() -> None:
    table = asked(modality="audio")
    call(table, "clock")
    table.end_text()
    sent = table.pass_time(FILLER_SEC + 0.1) + table.speak()
    assert "One moment." in [event.get("delta") for event in sent]
    run(table)
    table.write("It is noon.")
    table.end_text()
    done = table.speak()[-1]["response"]
    assert done["output"][1]["content"][0]["transcript"] == "One moment. It is noon."


def test_nothing_is_said_while_a_preamble_still_sounds_or_where_one_reads() -> None:
    for modality, preamble in (("audio", "Let me look."), ("text", "")):
        table = asked(modality=modality)
        if preamble:
            table.write(preamble)
        call(table, "clock")
        table.end_text()
        assert table.pass_time(FILLER_SEC + 0.1) == []


def test_the_filler_is_in_the_language_of_the_talk() -> None:
    table = asked(modality="audio")
    transcription = {"transcription": {"model": "m", "language": "de"}}
    table.client("session.update", session={"audio": {"input": transcription}})
    call(table, "clock")
    table.end_text()
    table.pass_time(FILLER_SEC + 0.1)
    assert table.last(commands.SpeakClause).text == "Einen Moment."


def test_no_tool_runs_before_the_endpoint() -> None:
    table = Table(silence_duration_ms=2000)
    table.engine(engine_events.ToolsReady((CLOCK,)))
    table.audio(960, 0.9)
    table.audio(320, 0.0)
    table.transcript("What time is it?")
    table.audio(960, 0.0)
    assert table.last(commands.Generate).is_preemptive
    call(table, "clock")
    table.end_text()
    assert not [action for action in table.actions if isinstance(action, commands.RunTool | commands.Save)]
    sent = table.audio(1280, 0.0)
    assert "response.mcp_call.in_progress" in kinds(sent)
    assert table.last(commands.RunTool).name == "clock"
    assert len([action for action in table.actions if isinstance(action, commands.Generate)]) == 1


def test_a_barge_in_ends_the_tool_with_the_reply() -> None:
    table = asked(modality="audio")
    table.write("Let me look. ")
    call(table, "clock")
    table.end_text()
    table.speak()
    sent = table.audio(BARGE_IN_MS, 0.9)
    assert "response.mcp_call.failed" in kinds(sent)
    done = next(event["response"] for event in sent if event["type"] == "response.done")
    assert (done["status"], done["output"][1]["status"]) == ("cancelled", "incomplete")
    assert run(table) == []  # too late
    table.audio(640, 0.0)
    table.transcript("Never mind.")
    assert ContextMessage("tool", CUT_OFF, call_id="call_clock") in table.last(commands.Generate).messages


def test_a_call_that_was_cut_short_is_not_made() -> None:
    table = asked(WEATHER)
    call(table, "weather", '{"city": "Osl')
    done = table.end_text("length")[-1]["response"]
    assert (done["status"], done["output"][0]["status"]) == ("incomplete", "incomplete")


def test_calls_and_arguments_without_end_fail_the_response() -> None:
    table = asked(WEATHER)
    response_id = table.last(commands.Generate).response_id
    sent = [
        event
        for n in range(40)
        for event in table.engine(engine_events.ToolCallDelta(response_id, n, f"c{n}", "weather", ""))
    ]
    assert sent[-1]["response"]["status"] == "failed"
    table = Table(limits=Limits(max_text_chars=10))
    table.client("response.create", response={"tools": [WEATHER]})
    assert call(table, "weather", "x" * 30)[-1]["response"]["status"] == "failed"


def test_tools_for_one_response() -> None:
    table = Table()
    choice = {"type": "function", "name": "weather"}
    table.client("response.create", response={"tools": [WEATHER], "tool_choice": choice})
    asked = table.last(commands.Generate)
    assert ([tool.name for tool in asked.tools], asked.tool_choice) == (["weather"], "weather")
    table.end_text()
    wrong = table.client("response.create", response={"tool_choice": choice})[0]["error"]
    assert wrong["param"] == "response.tool_choice.name"
    unnamed = table.client("response.create", response={"tools": [{"type": "function"}]})[0]["error"]
    assert (unnamed["code"], unnamed["param"]) == ("missing_required_parameter", "response.tools.0.name")


def test_a_server_may_be_named_while_it_is_connected_to() -> None:
    table, house = Table(), [{"type": "mcp", "server_label": "house"}]
    table.engine(engine_events.ToolsReady((), frozenset({"house"})))
    shown = table.client("session.update", session={"type": "realtime", "tools": house})[0]
    assert shown["session"]["tools"] == house
    [refused] = table.client(
        "session.update", session={"type": "realtime", "tools": [house[0] | {"server_label": "x"}]}
    )
    assert refused["error"]["param"] == "session.tools.0.server_label"


def test_a_context_of_its_own_goes_on_with_what_the_tool_brought() -> None:
    table = Table()
    table.engine(engine_events.ToolsReady((CLOCK,)))
    table.client("response.create", response={"output_modalities": ["text"], "input": [typed("The time?")]})
    call(table, "clock")
    table.end_text()
    run(table)
    assert table.last(commands.Generate).messages == [
        ContextMessage("system", "Be brief."),
        ContextMessage("user", "The time?"),
        ContextMessage("assistant", "", (ContextCall("call_clock", "clock", "{}"),)),
        ContextMessage("tool", "Noon.", call_id="call_clock"),
    ]


def test_out_of_band_the_model_hears_that_there_is_no_such_tool() -> None:
    table = asked()
    table.client("response.create", response={"conversation": "none"})
    call(table, "clock")
    table.end_text()
    assert [said.words for said in table.last(commands.Generate).messages][-2:] == ["", "There is no tool 'clock'."]


def test_a_call_cannot_be_deleted_while_its_response_runs() -> None:
    table = asked()
    item_id = call(table, "clock")[0]["item"]["id"]
    table.end_text()
    refusal = table.client("conversation.item.delete", item_id=item_id)[0]["error"]
    assert (refusal["code"], refusal["param"]) == ("item_delete_in_progress", "item_id")
    run(table)
    done = (table.write("It is noon.") + table.end_text())[-1]["response"]
    assert done["status"] == "completed"
    assert kinds(table.client("conversation.item.delete", item_id=item_id)) == ["conversation.item.deleted"]


def test_a_tool_has_its_own_limit_of_time_and_the_model_its_own_after_it() -> None:
    table = asked()
    call(table, "clock")
    table.end_text()
    assert table.pass_time(290) == []
    run(table)
    assert table.last(commands.Generate).messages[-1].words == "Noon."
    done = table.pass_time(31)[-1]["response"]
    assert done["status_details"]["error"]["code"] == "response_timeout"


def test_a_tool_that_never_ends_does_not_keep_the_turn() -> None:
    table = asked()
    call(table, "clock")
    table.end_text()
    assert table.pass_time(Limits().tool_timeout_sec + 31)[-1]["response"]["status"] == "failed"


def test_a_choice_of_a_tool_that_one_response_has_not_is_no_choice_of_it() -> None:
    table = asked(WEATHER)
    table.end_text()
    table.client("session.update", session={"tool_choice": {"type": "function", "name": "weather"}})
    other = WEATHER | {"name": "traffic"}
    table.client("response.create", response={"tools": [other]})
    assert table.last(commands.Generate).tool_choice == "auto"
