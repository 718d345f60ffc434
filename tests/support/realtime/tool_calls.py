"""A response that may call tools, the calls that the model writes, and what the tools return."""

from typing import Any

from conversations.realtime import commands, engine_events
from conversations.realtime.protocol.tools import Tool
from tests.support.realtime.harness import Table, typed

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
