"""Items on their way out of the database into the API's shapes, and from a client's shapes in."""

from collections.abc import Sequence
from typing import Any, cast

from conversations.api.errors import APIError
from conversations.api.shapes import inputs, outputs
from conversations.models import Conversation, Item
from conversations.realtime.protocol import items as live
from conversations.realtime.protocol.client_items import UNKNOWN_CALL, describe_unknown_call
from conversations.realtime.protocol.ids import make_id


def serialize_item(row: Item) -> outputs.AnyItem:
    """Return the item in the shape that the API answers with."""
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
    return _serialize_message(row, common)


def _serialize_message(row: Item, common: dict[str, Any]) -> outputs.Message:
    """Return a message with what was heard of it, and with the rest if a reply was cut."""
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


def parse_items(given: Sequence[inputs.NewItem]) -> list[live.LiveItem]:
    """Return a client's items as new items to be stored. Raise APIError if a text is too long."""
    return [_parse_item(item, f"items[{place}]") for place, item in enumerate(given)]


def check_outputs(new: Sequence[live.LiveItem], conversation: Conversation | None = None) -> None:
    """Check that each output has its call, among the new items or in the conversation.

    Raise APIError for the first one that has none.
    """
    wanted = {item.call["call_id"] for item in new if item.type == "function_call_output"}
    known = {item.call["call_id"] for item in new if item.type == "function_call"}
    if (missing := wanted - known) and conversation is not None:
        calls = conversation.items.filter(type="function_call", call__call_id__in=missing)
        missing -= set(calls.values_list("call__call_id", flat=True))
    for place, item in enumerate(new):
        if item.type == "function_call_output" and (call_id := item.call["call_id"]) in missing:
            raise APIError(400, UNKNOWN_CALL, describe_unknown_call(call_id), param=f"items[{place}].call_id")


def _parse_item(given: inputs.NewItem, param: str) -> live.LiveItem:
    """Return one new item. `param` is its place in the request, such as items[0]."""
    item = live.LiveItem(make_id("item"), type=given.type)
    if isinstance(given, inputs.NewMessage):
        item.role = "system" if given.role == "developer" else given.role
        item.text = _join_text(given.content, f"{param}.content")
    elif isinstance(given, inputs.NewFunctionCall):
        item.call = {"call_id": given.call_id, "name": given.name, "arguments": given.arguments}
    else:
        item.call = {"call_id": given.call_id, "output": _join_text(given.output, f"{param}.output")}
    return item


def _join_text(content: str | list[inputs.TextPart], param: str) -> str:
    """Return the parts as one text of lines. Raise APIError if it is longer than MAX_TEXT_CHARS."""
    text = content if isinstance(content, str) else "\n".join(part.text for part in content)
    if len(text) > inputs.MAX_TEXT_CHARS:
        message = f"'{param}' has {len(text)} characters; the limit is {inputs.MAX_TEXT_CHARS}."
        raise APIError(400, "invalid_value", message, param=param)
    return text
