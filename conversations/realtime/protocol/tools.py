"""What a model may call: functions that the client declared, and tools that the server runs."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from conversations.realtime.protocol.errors import ProtocolError, build_invalid_value_error

MAX_TOOLS = 128
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
TOOL_CHOICES = ("auto", "none", "required")


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as the model is offered it.

    `parameters` is the JSON schema of its arguments. `server_label` is "" for a function that the client runs.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    server_label: str = ""


@dataclass(frozen=True, slots=True)
class FunctionTool:
    """A function that the client declared and runs itself; None stands for what it left out."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None  # the JSON schema of the arguments

    def to_wire(self) -> dict[str, Any]:
        """Return the function as an entry of `tools`."""
        shown = {"type": "function", "name": self.name, "description": self.description, "parameters": self.parameters}
        return {key: value for key, value in shown.items() if value is not None}


@dataclass(frozen=True, slots=True)
class McpTool:
    """All tools of a remote MCP server, which the client names by the label that an admin gave the server."""

    server_label: str

    def to_wire(self) -> dict[str, Any]:
        """Return the server as an entry of `tools`."""
        return {"type": "mcp", "server_label": self.server_label}


DeclaredTool = FunctionTool | McpTool


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Whether the model must call a tool, and which one.

    `mode` is auto, none or required, and holds while nothing is named. `name` names a function, `server_label` a
    server, and both together a tool of that server.
    """

    mode: str = "auto"
    name: str = ""
    server_label: str = ""

    def to_wire(self) -> str | dict[str, Any]:
        """Return the choice as `tool_choice` has it."""
        if self.server_label:
            return {"type": "mcp", "server_label": self.server_label} | ({"name": self.name} if self.name else {})
        return {"type": "function", "name": self.name} if self.name else self.mode

    def resolve(self) -> str:
        """Return auto, none, required, or the name of the tool that the model must call."""
        return self.name or ("required" if self.server_label else self.mode)


def offer_tools(declared: Iterable[DeclaredTool], own: Iterable[Tool]) -> tuple[Tool, ...]:
    """Return the client's functions, and those of the server's `own` tools whose names no function has taken."""
    no_arguments = {"type": "object", "properties": {}}
    functions = tuple(
        Tool(tool.name, tool.description or "", tool.parameters or no_arguments)
        for tool in declared
        if isinstance(tool, FunctionTool)
    )
    hidden = {tool.name for tool in functions}
    return functions + tuple(tool for tool in own if tool.name not in hidden)


def collect_labels(own: Iterable[Tool]) -> set[str]:
    """Return the labels of the servers behind the server's `own` tools."""
    return {tool.server_label for tool in own}


def parse_tools(given: object, servers: Collection[str], root: str = "session") -> tuple[DeclaredTool, ...]:
    """Return the tools that a client declares at `root`, or raise ProtocolError.

    `servers` are the labels of the MCP servers that this session has.
    """
    if not isinstance(given, list) or len(given) > MAX_TOOLS:
        raise build_invalid_value_error(f"{root}.tools", f"must be a list of at most {MAX_TOOLS} tools.")
    tools = tuple(_parse_tool(tool, f"{root}.tools.{place}", servers) for place, tool in enumerate(given))
    names: set[str] = set()
    for place, tool in enumerate(tools):
        if isinstance(tool, FunctionTool):
            if tool.name in names:
                raise build_invalid_value_error(
                    f"{root}.tools.{place}.name", f"is {tool.name!r}, which another tool already has."
                )
            names.add(tool.name)
    return tools


def _parse_tool(tool: object, path: str, servers: Collection[str]) -> DeclaredTool:
    if not isinstance(tool, dict):
        raise build_invalid_value_error(path, "must be an object.")
    kind = tool.get("type") or "function"
    if kind == "mcp":
        return _parse_server(tool, path, servers)
    if kind != "function":
        raise build_invalid_value_error(f"{path}.type", "must be 'function' or 'mcp'.")
    name, description, parameters = tool.get("name"), tool.get("description"), tool.get("parameters")
    if name is None:
        raise ProtocolError("missing_required_parameter", f"'{path}.name' is missing.", f"{path}.name")
    if not isinstance(name, str) or not TOOL_NAME.fullmatch(name):
        raise build_invalid_value_error(f"{path}.name", "must be 1 to 64 letters, digits, '_' and '-'.")
    if not isinstance(description, str | None):
        raise build_invalid_value_error(f"{path}.description", "must be a string.")
    if not isinstance(parameters, dict | None):
        raise build_invalid_value_error(f"{path}.parameters", "must be an object: the JSON schema of the arguments.")
    return FunctionTool(name, description, parameters)


def _parse_server(tool: dict[str, Any], path: str, servers: Collection[str]) -> McpTool:
    """Return the MCP server that a client names. Clients name one that an admin configured; they bring none."""
    label = tool.get("server_label")
    if label is None:
        param = f"{path}.server_label"
        raise ProtocolError("missing_required_parameter", f"'{param}' is missing.", param)
    if not isinstance(label, str) or label not in servers:
        complaint = "does not name an MCP server of this assistant. An admin can add one to it."
        raise build_invalid_value_error(f"{path}.server_label", complaint)
    return McpTool(label)


def parse_tool_choice(
    given: object, names: Collection[str], servers: Collection[str], root: str = "session"
) -> ToolChoice:
    """Return the `tool_choice` that a client made at `root`, or raise ProtocolError.

    `names` are the tools that it may name, `servers` the labels of the MCP servers.
    """
    if isinstance(given, str) and given in TOOL_CHOICES:
        return ToolChoice(given)
    if not isinstance(given, dict):
        raise build_invalid_value_error(
            f"{root}.tool_choice", f"must be one of {', '.join(TOOL_CHOICES)}, or name a function."
        )
    kind, name, label = given.get("type"), given.get("name"), given.get("server_label")
    if kind == "function" and isinstance(name, str) and name in names:
        return ToolChoice(name=name)
    if kind == "mcp" and isinstance(label, str) and label in servers and isinstance(name, str | None):
        return ToolChoice(name=name or "", server_label=label)
    if kind not in ("function", "mcp"):
        raise build_invalid_value_error(f"{root}.tool_choice.type", "must be 'function' or 'mcp'.")
    if kind == "function":
        raise build_invalid_value_error(f"{root}.tool_choice.name", "must be the name of one of the session's tools.")
    raise build_invalid_value_error(
        f"{root}.tool_choice.server_label", "does not name an MCP server of this assistant."
    )
