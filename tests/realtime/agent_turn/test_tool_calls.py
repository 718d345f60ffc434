"""Functions of the client end a response; tools of the server are run amid it, and it goes on."""

import json

from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.context import ContextCall, ContextMessage
from conversations.realtime.agent_turn.generation import MAX_ROUNDS
from conversations.realtime.state import Limits
from tests.support.realtime.harness import BARGE_IN_MS, Table, get_kinds
from tests.support.realtime.tool_calls import CLOCK, WEATHER, finish_tool, request_reply, write_call


def test_it_works() -> None:
    table = request_reply(WEATHER)
    assert [tool.name for tool in table.find_last(commands.Generate).tools] == ["weather", "clock", "search"]
    sent = write_call(table, "weather", '{"city": "Oslo"}') + table.end_text()
    assert get_kinds(sent) == [
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
    assert table.get_saved(done["output"][0]["id"]).usage.input_tokens == 20
    assert not [action for action in table.actions if isinstance(action, commands.RunTool)]


def test_the_client_answers_and_asks_again() -> None:
    table = request_reply(WEATHER)
    write_call(table, "weather", '{"city": "Oslo"}')
    table.end_text()
    output = {"type": "function_call_output", "call_id": "call_weather", "output": "Rain."}
    assert get_kinds(table.send("conversation.item.create", item=output)) == [
        "conversation.item.added",
        "conversation.item.done",
    ]
    table.send("response.create")
    assert table.find_last(commands.Generate).messages == [
        ContextMessage("system", "Be brief."),
        ContextMessage("user", "Hello there."),
        ContextMessage("assistant", "", (ContextCall("call_weather", "weather", '{"city": "Oslo"}'),)),
        ContextMessage("tool", "Rain.", call_id="call_weather"),
    ]


def test_a_call_that_nobody_answered_is_not_shown_to_the_model() -> None:
    table = request_reply(WEATHER)
    write_call(table, "weather")
    table.end_text()
    table.send("response.create")
    assert [said.role for said in table.find_last(commands.Generate).messages] == ["system", "user"]


def test_a_spoken_preamble_comes_first() -> None:
    table = request_reply(WEATHER, modality="audio")
    sent = table.write("Let me look. ") + write_call(table, "weather") + table.end_text()
    assert "response.done" not in get_kinds(sent)
    indexes = {event["item"]["type"]: event["output_index"] for event in sent if event["type"].endswith("item.added")
               and "output_index" in event}  # fmt: skip
    assert indexes == {"message": 0, "function_call": 1}
    done = table.speak()[-1]["response"]
    assert [item["type"] for item in done["output"]] == ["message", "function_call"]
    output = {"type": "function_call_output", "call_id": "call_weather", "output": "Rain."}
    table.send("conversation.item.create", item=output)
    table.send("response.create")
    roles = [said.role for said in table.find_last(commands.Generate).messages]
    assert roles == ["system", "user", "assistant", "assistant", "tool"]


def test_a_call_is_handed_over_when_all_is_said() -> None:
    """Clients ask for the next response at once, which would be refused while this one speaks."""
    table = request_reply(WEATHER, modality="audio")
    sent = table.write("Let me look. ") + write_call(table, "weather") + table.end_text()
    assert "response.function_call_arguments.done" not in get_kinds(sent)
    assert get_kinds(table.speak())[-7:] == [
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]


def test_a_barge_in_before_the_call_was_handed_over() -> None:
    table = request_reply(WEATHER, modality="audio")
    table.write("Let me look. ")
    write_call(table, "weather")
    table.end_text()
    sent = table.send_audio(BARGE_IN_MS, 0.9)
    assert "response.function_call_arguments.done" not in get_kinds(sent)
    done = next(event["response"] for event in sent if event["type"] == "response.done")
    assert [item["status"] for item in done["output"]] == ["incomplete", "incomplete"]


def test_several_calls_at_once() -> None:
    table = request_reply(WEATHER)
    sent = write_call(table, "weather", '{"city": "Oslo"}') + write_call(
        table, "weather", '{"city": "Rome"}', 1, "call_2"
    )
    done = (sent + table.end_text())[-1]["response"]
    assert [json.loads(item["arguments"])["city"] for item in done["output"]] == ["Oslo", "Rome"]


def test_calls_of_both_kinds_leave_the_next_word_to_the_client() -> None:
    table = request_reply(WEATHER)
    write_call(table, "clock")
    write_call(table, "weather", index=1)
    assert "response.done" not in get_kinds(table.end_text())
    assert get_kinds(finish_tool(table))[-1] == "response.done"


def test_a_client_function_hides_the_servers_tool_of_its_name() -> None:
    table = request_reply(WEATHER | {"name": "clock"})
    assert "response.function_call_arguments.done" in get_kinds(write_call(table, "clock") + table.end_text())


def test_a_model_that_calls_for_ever_may_at_last_call_no_more() -> None:
    table = request_reply()
    for _ in range(MAX_ROUNDS - 1):
        write_call(table, "clock")
        table.end_text()
        finish_tool(table)
    assert table.find_last(commands.Generate).tool_choice == "none"


def test_what_must_be_called_must_be_called_once() -> None:
    table = Table()
    table.report(engine_events.ToolsReady((CLOCK,)))
    table.send("response.create", response={"tool_choice": "required", "output_modalities": ["text"]})
    assert table.find_last(commands.Generate).tool_choice == "required"
    write_call(table, "clock")
    table.end_text()
    finish_tool(table)
    assert table.find_last(commands.Generate).tool_choice == "auto"


def test_a_call_that_was_cut_short_is_not_made() -> None:
    table = request_reply(WEATHER)
    write_call(table, "weather", '{"city": "Osl')
    done = table.end_text("length")[-1]["response"]
    assert (done["status"], done["output"][0]["status"]) == ("incomplete", "incomplete")


def test_calls_and_arguments_without_end_fail_the_response() -> None:
    table = request_reply(WEATHER)
    response_id = table.find_last(commands.Generate).response_id
    sent = [
        event
        for n in range(40)
        for event in table.report(engine_events.ToolCallDelta(response_id, n, f"c{n}", "weather", ""))
    ]
    assert sent[-1]["response"]["status"] == "failed"
    table = Table(limits=Limits(max_text_chars=10))
    table.send("response.create", response={"tools": [WEATHER]})
    assert write_call(table, "weather", "x" * 30)[-1]["response"]["status"] == "failed"


def test_tools_for_one_response() -> None:
    table = Table()
    choice = {"type": "function", "name": "weather"}
    table.send("response.create", response={"tools": [WEATHER], "tool_choice": choice})
    asked = table.find_last(commands.Generate)
    assert ([tool.name for tool in asked.tools], asked.tool_choice) == (["weather"], "weather")
    table.end_text()
    wrong = table.send("response.create", response={"tool_choice": choice})[0]["error"]
    assert wrong["param"] == "response.tool_choice.name"
    unnamed = table.send("response.create", response={"tools": [{"type": "function"}]})[0]["error"]
    assert (unnamed["code"], unnamed["param"]) == ("missing_required_parameter", "response.tools.0.name")


def test_a_call_cannot_be_deleted_while_its_response_runs() -> None:
    table = request_reply()
    item_id = write_call(table, "clock")[0]["item"]["id"]
    table.end_text()
    refusal = table.send("conversation.item.delete", item_id=item_id)[0]["error"]
    assert (refusal["code"], refusal["param"]) == ("item_delete_in_progress", "item_id")
    finish_tool(table)
    done = (table.write("It is noon.") + table.end_text())[-1]["response"]
    assert done["status"] == "completed"
    assert get_kinds(table.send("conversation.item.delete", item_id=item_id)) == ["conversation.item.deleted"]


def test_a_choice_of_a_tool_that_one_response_has_not_is_no_choice_of_it() -> None:
    table = request_reply(WEATHER)
    table.end_text()
    table.send("session.update", session={"tool_choice": {"type": "function", "name": "weather"}})
    other = WEATHER | {"name": "traffic"}
    table.send("response.create", response={"tools": [other]})
    assert table.find_last(commands.Generate).tool_choice == "auto"
