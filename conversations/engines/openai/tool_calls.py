"""Tools in the requests of a chat completion, and their calls in its chunks.

OpenAI names a call in its first delta and streams its arguments. Other servers send a call whole, without an id,
without an index or with the same index for all; they repeat id and name in every delta; they give no arguments, or an
object in place of JSON text; their ids are longer than the Realtime protocol allows, or a token of the model's
sticks to the name.
"""

import json
from collections.abc import Collection, Sequence
from typing import Any
from uuid import uuid4

from conversations.engines.base import CallPiece, ChatMessage, Tool
from conversations.engines.untrusted_text import make_storable

MAX_ID = 32
NO_PARAMETERS = {"type": "object", "properties": {}}


def build_tool_fields(tools: Sequence[Tool], tool_choice: str) -> dict[str, Any]:
    """Return the fields of a request that declare tools; {} without any."""
    if not tools:
        return {}
    fields: dict[str, Any] = {"tools": [{"type": "function", "function": _build_function(tool)} for tool in tools]}
    if tool_choice in ("none", "required"):
        fields["tool_choice"] = tool_choice
    elif tool_choice != "auto":
        fields["tool_choice"] = {"type": "function", "function": {"name": tool_choice}}
    return fields


def _build_function(tool: Tool) -> dict[str, Any]:
    return {"name": tool.name, "description": tool.description, "parameters": tool.parameters or NO_PARAMETERS}


def build_message(message: ChatMessage) -> dict[str, Any]:
    """Return a message in the shape of the Chat Completions API."""
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.call_id, "content": message.content}
    if not message.calls:
        return {"role": message.role, "content": message.content}
    calls = [
        {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}
        for call in message.calls
    ]
    return {"role": message.role, "content": message.content or None, "tool_calls": calls}


class ToolCallReader:
    """Collects the tool calls of one completion from its deltas."""

    def __init__(self, used_ids: Collection[str]) -> None:
        self._ids = set(used_ids)
        self._calls: list[_Call] = []

    def feed(self, deltas: object) -> list[CallPiece]:
        """Return the new pieces in `deltas`, the `tool_calls` of a chunk, whatever the server put there."""
        pieces: list[CallPiece] = []
        for delta in deltas if isinstance(deltas, list) else []:
            if isinstance(delta, dict):
                pieces += self._feed_one(delta)
        return pieces

    def fill_empty_arguments(self) -> list[CallPiece]:
        """Return pieces with the arguments "{}" for calls that got none: their text must be JSON all the same."""
        return [CallPiece(call.index, arguments="{}") for call in self._calls if call.name and call.has_no_arguments]

    @property
    def are_named(self) -> bool:
        """Return whether each call has a name."""
        return all(call.name for call in self._calls)

    def _feed_one(self, delta: dict[str, Any]) -> list[CallPiece]:
        function = delta.get("function")
        given = function if isinstance(function, dict) else {}
        name = _get_text(given.get("name")).partition("<|")[0].strip()
        arguments = _to_json(given.get("arguments"))
        call = self._find_call(delta, name)
        call.pending_arguments += arguments
        if call.name:
            return call.take_pending()
        if not name:  # the name comes in a later delta
            return []
        call.name = name
        return [CallPiece(call.index, self._choose_id(call), name), *call.take_pending()]

    def _find_call(self, delta: dict[str, Any], name: str) -> "_Call":
        key, server_id = delta.get("index"), _get_text(delta.get("id"))
        call = next((call for call in reversed(self._calls) if call.key == key), None)
        if call is None or _is_another_call(call, key, server_id, name):
            call = _Call(len(self._calls), key)
            self._calls.append(call)
        call.server_id = call.server_id or server_id
        return call

    def _choose_id(self, call: "_Call") -> str:
        fits = 0 < len(call.server_id) <= MAX_ID and call.server_id not in self._ids
        call_id = call.server_id if fits else f"call_{uuid4().hex[:24]}"
        self._ids.add(call_id)
        return call_id


class _Call:
    """One call, as far as it was received."""

    def __init__(self, index: int, key: object) -> None:
        self.index = index
        self.key = key  # the server's index
        self.server_id = ""
        self.name = ""
        self.pending_arguments = ""  # received, and not passed on yet
        self.has_no_arguments = True

    def take_pending(self) -> list[CallPiece]:
        arguments, self.pending_arguments = self.pending_arguments, ""
        if not arguments:
            return []
        self.has_no_arguments = False
        return [CallPiece(self.index, arguments=arguments)]


def _is_another_call(call: _Call, key: object, server_id: str, name: str) -> bool:
    if server_id and call.server_id:
        return server_id != call.server_id
    return bool(name and call.name) and (key is None or name != call.name)


def _get_text(value: object) -> str:
    return make_storable(value) if isinstance(value, str) else ""


def _to_json(arguments: object) -> str:
    return _get_text(json.dumps(arguments)) if isinstance(arguments, dict) else _get_text(arguments)
