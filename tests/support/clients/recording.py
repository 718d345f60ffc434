"""A conversation as readable lines: what the client sent, what the server told, how their ids relate.

    > conversation.item.create
    < conversation.item.added       item: item_1 message user completed [input_text]   previous_item_id: null

Ids are numbered in the order in which they come. An item's deltas that follow each other are one line, whatever
their number.
"""

import json
import re
from typing import Any

ID = re.compile(r"\b(item|resp|conv|call|sess)_\w+")
SHOWN = ("item", "previous_item_id", "item_id", "response", "response_id", "output_index", "content_index",
         "call_id", "name", "part", "error", "transcript", "text", "arguments")  # fmt: skip


class Recording:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self._names: dict[str, str] = {}
        self._deltas: list[str] = []  # kinds of the run that is under way
        self._deltas_of, self._deltas_at = "", -1  # its item and its line

    def record_sent(self, event: dict[str, Any]) -> None:
        line = f"> {event['type']}"
        if line not in self.lines[-1:]:
            self.lines.append(line)

    def record_received(self, event: dict[str, Any]) -> None:
        kind: str = event["type"]
        if kind.endswith(".delta"):
            return self._record_delta(event)
        self._deltas = []
        fields = [f"{key}: {self._render(event[key])}" for key in SHOWN if key in event]
        self.lines.append("   ".join([f"< {kind:<36}", *fields]).rstrip())
        return None

    def _record_delta(self, event: dict[str, Any]) -> None:
        """Add a delta to the line of its item, or begin a line for another item's."""
        if not self._deltas or event["item_id"] != self._deltas_of:
            self._deltas, self._deltas_of, self._deltas_at = [], event["item_id"], len(self.lines)
            self.lines.append("")
        if event["type"] not in self._deltas:
            self._deltas.append(event["type"])
        ids = "   ".join(f"{key}: {self._render(event[key])}" for key in SHOWN if key in event)
        self.lines[self._deltas_at] = f"< {', '.join(sorted(self._deltas))}   {ids}"

    def _render(self, value: Any) -> str:
        return ID.sub(self._name, _describe(value))

    def _name(self, found: re.Match[str]) -> str:
        kind = found[1]
        number = 1 + sum(name.startswith(f"{kind}_") for name in self._names.values())
        return self._names.setdefault(found[0], f"{kind}_{number}")


def _describe(value: Any) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return json.dumps(value)
    if "output" in value and "conversation_id" in value:
        return _describe_response(value)
    if "message" in value:  # an error
        return f"{value['code']} {value.get('param')} {value.get('event_id')}"
    return _describe_item(value)


def _describe_item(item: dict[str, Any]) -> str:
    """Describe an item or a part of one."""
    words = [item.get(key, "") for key in ("id", "type", "role", "status", "call_id", "name")]
    parts = [part["type"] for part in item["content"]] if "content" in item else None
    return " ".join([str(word) for word in words if word] + ([f"[{' '.join(parts)}]"] if parts is not None else []))


def _describe_response(response: dict[str, Any]) -> str:
    details = response["status_details"] or {}
    why = [details["error"]["code"]] if "error" in details else [details["reason"]] if "reason" in details else []
    outputs = ", ".join(map(_describe_item, response["output"]))
    return " ".join([response["id"], response["status"], *why, f"in {response['conversation_id']}", f"[{outputs}]"])
