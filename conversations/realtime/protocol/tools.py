"""What a model may call: functions that the client declared, and tools that the server runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Tool:
    """`parameters`: the JSON schema of its arguments. `server_label` "": the client runs it."""

    name: str
    description: str
    parameters: dict[str, Any]
    server_label: str = ""


def offer_tools(declared: Sequence[dict[str, Any]], own: Sequence[Tool]) -> tuple[Tool, ...]:
    """The client's functions as the wire has them, then the server's own that none of these hides."""
    no_arguments = {"type": "object", "properties": {}}
    functions = tuple(
        Tool(tool["name"], tool.get("description") or "", tool.get("parameters") or no_arguments)
        for tool in declared
        if tool.get("type", "function") == "function"
    )
    hidden = {tool.name for tool in functions}
    return functions + tuple(tool for tool in own if tool.name not in hidden)


def resolve_tool_choice(shown: str | dict[str, Any]) -> str:
    """auto, none, required, or the name of the one to be called."""
    return shown if isinstance(shown, str) else shown.get("name") or "required"


def collect_labels(own: Sequence[Tool]) -> set[str]:
    """Of the servers behind the server's own tools."""
    return {tool.server_label for tool in own}
