"""A response that may call tools, the calls that the model writes, and what the tools return."""

from typing import Any

from conversations.realtime import commands, engine_events
from conversations.realtime.protocol.tools import Tool
from tests.support.realtime.harness import Table, make_message

WEATHER = {"type": "function", "name": "weather", "description": "Now.", "parameters": {"type": "object"}}
CLOCK = Tool("clock", "The time.", {"type": "object", "properties": {}}, "site")
SEARCH = Tool("search", "What was said.", {"type": "object", "properties": {}}, "site")


def request_reply(*declared: dict[str, Any], own: tuple[Tool, ...] = (CLOCK, SEARCH), modality: str = "text") -> Table:
    """Return a table on which a response to “Hello there.” is being generated."""
    table = Table()
    table.report(engine_events.ToolsReady(own))
    table.send("session.update", session={"tools": declared, "output_modalities": [modality]})
    table.send("conversation.item.create", item=make_message("Hello there."))
    table.send("response.create")
    return table


def write_call(
    table: Table, name: str, arguments: str = "{}", index: int = 0, call_id: str = ""
) -> list[dict[str, Any]]:
    """Report a tool call as a model writes it: its name, then its arguments in two pieces."""
    response_id, half = table.find_last(commands.Generate).response_id, len(arguments) // 2
    call_id = call_id or f"call_{name}"
    sent = table.report(engine_events.ToolCallDelta(response_id, index, call_id, name, ""))
    sent += table.report(engine_events.ToolCallDelta(response_id, index, "", "", arguments[:half]))
    return sent + table.report(engine_events.ToolCallDelta(response_id, index, "", "", arguments[half:]))


def finish_tool(table: Table, output: str = "Noon.", error: str = "") -> list[dict[str, Any]]:
    """Report the output of the tool that was requested last."""
    tool = table.find_last(commands.RunTool)
    return table.report(engine_events.ToolCallDone(tool.response_id, tool.item_id, output, error))
