"""What of a session's settings the types of the `openai` package leave open: ranges, lengths, formats and tools."""

import re
from collections.abc import Collection
from typing import Any

from conversations.realtime.protocol.errors import ProtocolError

Config = dict[str, Any]

# What a client may ask for beyond the protocol; docs/protocol.md describes them.
EXTENSIONS = ("playback", "captions", "retry", "storage")
RANGES = {
    "audio.input.turn_detection.threshold": (0.0, 1.0),
    "audio.input.turn_detection.prefix_padding_ms": (0, 5_000),
    "audio.input.turn_detection.silence_duration_ms": (32, 10_000),
    "audio.input.turn_detection.idle_timeout_ms": (1_000, 600_000),
    "audio.output.speed": (0.25, 1.5),
    "max_output_tokens": (1, 4096),
    "truncation.retention_ratio": (0.0, 1.0),
    "truncation.token_limits.post_instructions": (0, 10_000_000),
}
MAX_TEXT_CHARS = 100_000
MAX_NAME_CHARS = 200
LENGTHS = {
    "instructions": MAX_TEXT_CHARS,
    "audio.input.transcription.prompt": MAX_TEXT_CHARS,
    "audio.input.transcription.model": MAX_NAME_CHARS,
    "audio.input.transcription.language": MAX_NAME_CHARS,
    "audio.output.voice": MAX_NAME_CHARS,
    "audio.output.voice.id": MAX_NAME_CHARS,
}
MAX_DEPTH = 64  # of objects and lists in one another; copying a deeper one would exhaust the stack
# Of an event: each value that is not valid is complained of, by every shape that it may have.
MAX_VALUES = 20_000
MAX_COMMAS = 2 * MAX_VALUES  # in its JSON; words have some, too
MAX_ENTRIES = 1_000  # of any list or object
MAX_TOOLS = 128
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
TOOL_CHOICES = ("auto", "none", "required")


def get_at(value: Any, path: str) -> Any:
    """What is at a dotted path; None where there is nothing."""
    for key in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def check_depth(value: object, param: str | None = None) -> None:
    """Check how deep and how large what is at `param`, or a whole event, is. Raises ProtocolError."""
    level, count = [value], 0
    for _ in range(MAX_DEPTH):
        entries = [len(_list_inner_values(outer)) for outer in level]
        count += sum(entries)
        if max(entries) > MAX_ENTRIES or count > MAX_VALUES:
            message = f"An event may hold {MAX_VALUES} values, and {MAX_ENTRIES} in a list or an object."
            raise ProtocolError("invalid_value", message, param)
        level = [inner for outer in level for inner in _list_inner_values(outer)]
        if not level:
            return
    what = f"'{param}'" if param else "The event"
    raise ProtocolError("invalid_value", f"{what} is nested deeper than {MAX_DEPTH} levels.", param)


def _list_inner_values(value: object) -> Collection[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def check_values(given: Config, root: str = "session") -> None:
    """Of what a session or a response asks for, in the right types. Raises ProtocolError."""
    for path, (least, most) in RANGES.items():
        value = get_at(given, path)
        if isinstance(value, int | float) and not least <= value <= most:
            raise _build_error(f"{root}.{path}", f"is {value}; it must be between {least} and {most}.")
    for path, longest in LENGTHS.items():
        text = get_at(given, path)
        if isinstance(text, str) and len(text) > longest:
            raise _build_error(f"{root}.{path}", f"is longer than {longest} characters.")
    if given.get("output_modalities") == []:
        raise _build_error(f"{root}.output_modalities", "must be ['audio'] or ['text'].")


def check_extensions(patch: Config) -> None:
    """Raises ProtocolError."""
    extensions = patch.get("extensions") or []
    if not isinstance(extensions, list) or not all(name in EXTENSIONS for name in extensions):
        raise _build_error("session.extensions", f"must be a list of any of {', '.join(EXTENSIONS)}.")


def check_tools(given: object, servers: Collection[str], root: str = "session") -> list[Config]:
    """`tools` as they are shown. `servers`: labels of the MCP servers that this session has. Raises ProtocolError."""
    if not isinstance(given, list) or len(given) > MAX_TOOLS:
        raise _build_error(f"{root}.tools", f"must be a list of at most {MAX_TOOLS} tools.")
    tools = [_check_tool(tool, f"{root}.tools.{place}", servers) for place, tool in enumerate(given)]
    names: set[str] = set()
    for place, tool in enumerate(tools):
        if tool.get("name") in names:
            raise _build_error(f"{root}.tools.{place}.name", f"is {tool['name']!r}, which another tool already has.")
        names.add(tool.get("name", ""))
    return tools


def _check_tool(tool: object, path: str, servers: Collection[str]) -> Config:
    if not isinstance(tool, dict):
        raise _build_error(path, "must be an object.")
    kind = tool.get("type") or "function"
    if kind == "mcp":
        return _check_server(tool, path, servers)
    if kind != "function":
        raise _build_error(f"{path}.type", "must be 'function' or 'mcp'.")
    name, description, parameters = tool.get("name"), tool.get("description"), tool.get("parameters")
    if name is None:
        raise ProtocolError("missing_required_parameter", f"'{path}.name' is missing.", f"{path}.name")
    if not isinstance(name, str) or not TOOL_NAME.fullmatch(name):
        raise _build_error(f"{path}.name", "must be 1 to 64 letters, digits, '_' and '-'.")
    if not isinstance(description, str | None):
        raise _build_error(f"{path}.description", "must be a string.")
    if not isinstance(parameters, dict | None):
        raise _build_error(f"{path}.parameters", "must be an object: the JSON schema of the arguments.")
    shown = {"type": "function", "name": name, "description": description, "parameters": parameters}
    return {key: value for key, value in shown.items() if value is not None}


def _check_server(tool: Config, path: str, servers: Collection[str]) -> Config:
    """A remote MCP server. Clients name one that an admin configured; they bring none of their own."""
    label = tool.get("server_label")
    if label is None:
        param = f"{path}.server_label"
        raise ProtocolError("missing_required_parameter", f"'{param}' is missing.", param)
    if not isinstance(label, str) or label not in servers:
        raise _build_error(
            f"{path}.server_label", "does not name an MCP server of this assistant. An admin can add one to it."
        )
    return {"type": "mcp", "server_label": label}


def check_tool_choice(
    given: object, names: Collection[str], servers: Collection[str], root: str = "session"
) -> str | Config:
    """`tool_choice` as it is shown. `names`: of the functions that the session has. Raises ProtocolError."""
    if isinstance(given, str) and given in TOOL_CHOICES:
        return given
    if not isinstance(given, dict):
        raise _build_error(f"{root}.tool_choice", f"must be one of {', '.join(TOOL_CHOICES)}, or name a function.")
    kind, name, label = given.get("type"), given.get("name"), given.get("server_label")
    if kind == "function" and isinstance(name, str) and name in names:
        return {"type": "function", "name": name}
    if kind == "mcp" and isinstance(label, str) and label in servers and isinstance(name, str | None):
        return {"type": "mcp", "server_label": label} | ({"name": name} if name else {})
    if kind not in ("function", "mcp"):
        raise _build_error(f"{root}.tool_choice.type", "must be 'function' or 'mcp'.")
    if kind == "function":
        raise _build_error(f"{root}.tool_choice.name", "must be the name of one of the session's tools.")
    raise _build_error(f"{root}.tool_choice.server_label", "names no MCP server of this assistant.")


def _build_error(path: str, message: str) -> ProtocolError:
    return ProtocolError("invalid_value", f"'{path}' {message}", path)
