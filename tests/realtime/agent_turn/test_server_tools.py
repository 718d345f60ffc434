"""The server's own tools: they are run, their outputs go to the model, and the response goes on."""

from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.context import ContextCall, ContextMessage
from conversations.realtime.agent_turn.generation import FILLER_SEC
from conversations.realtime.agent_turn.tool_calls import CUT_OFF
from conversations.realtime.state import Limits
from tests.support.realtime.harness import BARGE_IN_MS, Table, get_kinds, make_message
from tests.support.realtime.tool_calls import CLOCK, finish_tool, request_reply, write_call


def test_the_servers_own_tool_is_run_and_the_response_goes_on() -> None:
    table = request_reply()
    sent = write_call(table, "clock") + table.end_text()
    assert get_kinds(sent)[-2:] == ["response.mcp_call_arguments.done", "response.mcp_call.in_progress"]
    assert sent[0]["item"]["server_label"] == "site"
    sent = finish_tool(table)
    assert get_kinds(sent) == ["response.mcp_call.completed", "conversation.item.done", "response.output_item.done"]
    assert sent[1]["item"]["output"] == "Noon."
    assert table.find_last(commands.Generate).messages[-2:] == [
        ContextMessage("assistant", "", (ContextCall("call_clock", "clock", "{}"),)),
        ContextMessage("tool", "Noon.", call_id="call_clock"),
    ]
    done = (table.write("It is noon.") + table.end_text())[-1]["response"]
    assert [item["type"] for item in done["output"]] == ["mcp_call", "message"]
    assert (done["status"], done["usage"]["input_tokens"]) == ("completed", 40)
    assert table.get_saved(done["output"][0]["id"]).call["output"] == "Noon."
    table.send("conversation.item.create", item=make_message("And now?"))
    table.send("response.create")
    assert [said.words for said in table.find_last(commands.Generate).messages[-3:]] == [
        "Noon.",
        "It is noon.",
        "And now?",
    ]


def test_what_was_said_before_and_after_a_tool_is_one_message() -> None:
    table = request_reply(modality="audio")
    table.write("Let me look.")
    write_call(table, "clock")
    table.end_text()
    finish_tool(table)
    assert [said.role for said in table.find_last(commands.Generate).messages] == [
        "system", "user", "assistant", "assistant", "tool"
    ]  # fmt: skip
    table.write("It is noon.")
    table.end_text()
    done = table.speak()[-1]["response"]
    assert [item["type"] for item in done["output"]] == ["message", "mcp_call"]
    assert done["output"][0]["content"][0]["transcript"] == "Let me look. It is noon."


def test_a_tool_that_failed_is_told_to_the_model_and_shown() -> None:
    table = request_reply()
    write_call(table, "clock")
    table.end_text()
    sent = finish_tool(table, "", "It took longer than 5 s.")
    assert get_kinds(sent)[0] == "response.mcp_call.failed"
    assert sent[1]["item"]["error"] == {"type": "tool_execution_error", "message": "It took longer than 5 s."}
    assert table.find_last(commands.Generate).messages[-1].words == "It took longer than 5 s."


def test_a_tool_that_nobody_offered() -> None:
    table = request_reply()
    sent = write_call(table, "launch") + table.end_text()
    assert "response.mcp_call.failed" in get_kinds(sent)
    assert "There is no tool 'launch'." in table.find_last(commands.Generate).messages[-1].words
    assert (table.write("I cannot.") + table.end_text())[-1]["response"]["status"] == "completed"


def test_tools_run_side_by_side_and_all_are_awaited() -> None:
    table = request_reply()
    write_call(table, "clock")
    write_call(table, "search", index=1)
    table.end_text()
    clock, search = [action for action in table.actions if isinstance(action, commands.RunTool)]
    generates = len([action for action in table.actions if isinstance(action, commands.Generate)])
    table.report(engine_events.ToolCallDone(search.response_id, search.item_id, "Nothing.", ""))
    assert len([action for action in table.actions if isinstance(action, commands.Generate)]) == generates
    table.report(engine_events.ToolCallDone(clock.response_id, clock.item_id, "Noon.", ""))
    assert [said.words for said in table.find_last(commands.Generate).messages if said.role == "tool"] == [
        "Noon.",
        "Nothing.",
    ]


def test_a_word_is_said_while_a_tool_takes_long() -> None:
    table = request_reply(modality="audio")
    write_call(table, "clock")
    table.end_text()
    sent = table.pass_time(FILLER_SEC + 0.1) + table.speak()
    assert "One moment." in [event.get("delta") for event in sent]
    finish_tool(table)
    table.write("It is noon.")
    table.end_text()
    done = table.speak()[-1]["response"]
    assert done["output"][1]["content"][0]["transcript"] == "One moment. It is noon."


def test_nothing_is_said_while_a_preamble_still_sounds_or_where_one_reads() -> None:
    for modality, preamble in (("audio", "Let me look."), ("text", "")):
        table = request_reply(modality=modality)
        if preamble:
            table.write(preamble)
        write_call(table, "clock")
        table.end_text()
        assert table.pass_time(FILLER_SEC + 0.1) == []


def test_the_filler_is_in_the_language_of_the_talk() -> None:
    table = request_reply(modality="audio")
    transcription = {"transcription": {"model": "m", "language": "de"}}
    table.send("session.update", session={"audio": {"input": transcription}})
    write_call(table, "clock")
    table.end_text()
    table.pass_time(FILLER_SEC + 0.1)
    assert table.find_last(commands.SpeakClause).text == "Einen Moment."


def test_no_tool_runs_before_the_endpoint() -> None:
    table = Table(silence_duration_ms=2000)
    table.report(engine_events.ToolsReady((CLOCK,)))
    table.send_audio(960, 0.9)
    table.send_audio(320, 0.0)
    table.report_transcript("What time is it?")
    table.send_audio(960, 0.0)
    assert table.find_last(commands.Generate).is_preemptive
    write_call(table, "clock")
    table.end_text()
    assert not [action for action in table.actions if isinstance(action, commands.RunTool | commands.Save)]
    sent = table.send_audio(1280, 0.0)
    assert "response.mcp_call.in_progress" in get_kinds(sent)
    assert table.find_last(commands.RunTool).name == "clock"
    assert len([action for action in table.actions if isinstance(action, commands.Generate)]) == 1


def test_a_barge_in_ends_the_tool_with_the_reply() -> None:
    table = request_reply(modality="audio")
    table.write("Let me look. ")
    write_call(table, "clock")
    table.end_text()
    table.speak()
    sent = table.send_audio(BARGE_IN_MS, 0.9)
    assert "response.mcp_call.failed" in get_kinds(sent)
    done = next(event["response"] for event in sent if event["type"] == "response.done")
    assert (done["status"], done["output"][1]["status"]) == ("cancelled", "incomplete")
    assert finish_tool(table) == []  # too late
    table.send_audio(640, 0.0)
    table.report_transcript("Never mind.")
    assert ContextMessage("tool", CUT_OFF, call_id="call_clock") in table.find_last(commands.Generate).messages


def test_a_server_may_be_named_while_it_is_connected_to() -> None:
    table, house = Table(), [{"type": "mcp", "server_label": "house"}]
    table.report(engine_events.ToolsReady((), frozenset({"house"})))
    shown = table.send("session.update", session={"type": "realtime", "tools": house})[0]
    assert shown["session"]["tools"] == house
    [refused] = table.send("session.update", session={"type": "realtime", "tools": [house[0] | {"server_label": "x"}]})
    assert refused["error"]["param"] == "session.tools.0.server_label"


def test_a_context_of_its_own_goes_on_with_what_the_tool_brought() -> None:
    table = Table()
    table.report(engine_events.ToolsReady((CLOCK,)))
    table.send("response.create", response={"output_modalities": ["text"], "input": [make_message("The time?")]})
    write_call(table, "clock")
    table.end_text()
    finish_tool(table)
    assert table.find_last(commands.Generate).messages == [
        ContextMessage("system", "Be brief."),
        ContextMessage("user", "The time?"),
        ContextMessage("assistant", "", (ContextCall("call_clock", "clock", "{}"),)),
        ContextMessage("tool", "Noon.", call_id="call_clock"),
    ]


def test_out_of_band_the_model_hears_that_there_is_no_such_tool() -> None:
    table = request_reply()
    table.send("response.create", response={"conversation": "none"})
    write_call(table, "clock")
    table.end_text()
    assert [said.words for said in table.find_last(commands.Generate).messages][-2:] == [
        "",
        "There is no tool 'clock'.",
    ]


def test_a_tool_has_its_own_limit_of_time_and_the_model_its_own_after_it() -> None:
    table = request_reply()
    write_call(table, "clock")
    table.end_text()
    assert table.pass_time(290) == []
    finish_tool(table)
    assert table.find_last(commands.Generate).messages[-1].words == "Noon."
    done = table.pass_time(31)[-1]["response"]
    assert done["status_details"]["error"]["code"] == "response_timeout"


def test_a_tool_that_never_ends_does_not_keep_the_turn() -> None:
    table = request_reply()
    write_call(table, "clock")
    table.end_text()
    assert table.pass_time(Limits().tool_timeout_sec + 31)[-1]["response"]["status"] == "failed"
