"""Rows of items as the API shows them, and what a client gives as items of the conversation."""

from collections.abc import Sequence
from typing import Any, cast

from conversations.api.errors import APIError
from conversations.api.shapes import inputs, outputs
from conversations.models import Conversation, Item
from conversations.realtime.protocol import items as live
from conversations.realtime.protocol.client_items import UNKNOWN_CALL, unknown_call
from conversations.realtime.protocol.ids import make_id


def shown(row: Item) -> outputs.AnyItem:
    common: dict[str, Any] = {"id": row.public_id, "status": row.status, "created_at": int(row.created_at.timestamp())}
    call = row.call
    if row.type == "function_call":
        return outputs.FunctionCall(**common, call_id=call["call_id"], name=call["name"], arguments=call["arguments"])
    if row.type == "function_call_output":
        return outputs.FunctionCallOutput(**common, call_id=call["call_id"], output=call["output"])
    if row.type == "mcp_call":
        error = outputs.ToolError(content=str(call["error"])) if call.get("error") else None
        told = {key: call[key] for key in ("server_label", "name", "arguments")} | {"output": call.get("output")}
        return outputs.McpCall(**common, **told, error=error)
    return _message(row, common)


def _message(row: Item, common: dict[str, Any]) -> outputs.Message:
    is_reply = row.role == Item.Role.ASSISTANT
    text = row.played_text
    part = outputs.OutputText(text=text, annotations=[]) if is_reply else outputs.InputText(text=text)
    clip = getattr(row, "clip", None)
    return outputs.Message(
        **common,
        role=cast(Any, row.role),
        content=[part],
        audio=outputs.ItemAudio(duration_ms=clip.duration_ms, heard_ms=row.heard_ms) if clip else None,
        generated_text=row.text if row.was_cut else None,
    )


def taken(given: Sequence[inputs.NewItem]) -> list[live.Item]:
    """New items to be stored. Raises APIError for a text that is too long."""
    return [_taken(item, f"items[{place}]") for place, item in enumerate(given)]


def check_outputs(new: Sequence[live.Item], conversation: Conversation | None = None) -> None:
    """Each output needs its call, among the new ones or in the conversation. Raises APIError."""
    wanted = {item.call["call_id"] for item in new if item.type == "function_call_output"}
    known = {item.call["call_id"] for item in new if item.type == "function_call"}
    if (missing := wanted - known) and conversation is not None:
        calls = conversation.items.filter(type="function_call", call__call_id__in=missing)
        missing -= set(calls.values_list("call__call_id", flat=True))
    for place, item in enumerate(new):
        if item.type == "function_call_output" and (call_id := item.call["call_id"]) in missing:
            raise APIError(400, UNKNOWN_CALL, unknown_call(call_id), param=f"items[{place}].call_id")


def _taken(given: inputs.NewItem, param: str) -> live.Item:
    item = live.Item(make_id("item"), type=given.type)
    if isinstance(given, inputs.NewMessage):
        item.role = "system" if given.role == "developer" else given.role
        item.text = _joined(given.content, f"{param}.content")
    elif isinstance(given, inputs.NewFunctionCall):
        item.call = {"call_id": given.call_id, "name": given.name, "arguments": given.arguments}
    else:
        item.call = {"call_id": given.call_id, "output": _joined(given.output, f"{param}.output")}
    return item


def _joined(content: str | list[inputs.TextPart], param: str) -> str:
    text = content if isinstance(content, str) else "\n".join(part.text for part in content)
    if len(text) > inputs.MAX_TEXT_CHARS:
        message = f"'{param}' has {len(text)} characters; the most is {inputs.MAX_TEXT_CHARS}."
        raise APIError(400, "invalid_value", message, param=param)
    return text
