"""An output of a tool belongs to a call."""

from conversations.realtime import commands
from conversations.realtime.protocol.items import LiveItem
from tests.support.realtime.harness import Table, get_kinds


def make_output(call_id: str = "call_weather", said: str = "Rain.") -> dict[str, str]:
    return {"type": "function_call_output", "call_id": call_id, "output": said}


def test_an_output_of_an_unknown_call_is_refused() -> None:
    """Case 21."""
    table = Table()
    error = table.send("conversation.item.create", item=make_output("call_nowhere"), event_id="mine")[0]["error"]
    assert (error["type"], error["code"], error["event_id"]) == (
        "invalid_request_error", "invalid_tool_call_id", "mine")  # fmt: skip
    assert error["message"] == "Tool call ID 'call_nowhere' not found in conversation."
    assert not len(table.machine.state.log)


def test_an_output_of_a_call_that_the_server_ran_is_refused() -> None:
    ran = LiveItem(
        "item_ran",
        type="mcp_call",
        call={"call_id": "call_weather", "name": "w", "output": "Sun.", "arguments": "{}", "server_label": "site"},
    )
    table = Table(items=(ran,))
    error = table.send("conversation.item.create", item=make_output())[0]["error"]
    assert error["code"] == "invalid_tool_call_id"


def test_the_context_of_one_response_has_the_call_of_each_output() -> None:
    table = Table()
    call = {"type": "function_call", "call_id": "call_weather", "name": "weather", "arguments": "{}"}
    told = table.send("response.create", response={"conversation": "none", "input": [make_output()]})
    assert told[0]["error"]["code"] == "invalid_tool_call_id"
    table.send("response.create", response={"conversation": "none", "input": [call, make_output()]})
    assert [message.words for message in table.find_last(commands.Generate).messages] == ["Be brief.", "", "Rain."]


def test_a_later_output_of_a_call_takes_the_place_of_the_first() -> None:
    call = LiveItem("item_call", type="function_call", call={"call_id": "call_weather", "name": "w", "arguments": "{}"})
    table = Table(items=(call,))
    for said in ("Still looking.", "Rain."):
        assert (
            get_kinds(table.send("conversation.item.create", item=make_output(said=said)))[-1]
            == "conversation.item.done"
        )
    table.send("response.create")
    assert [message.words for message in table.find_last(commands.Generate).messages] == ["Be brief.", "", "Rain."]
