"""Items that a client makes: of the conversation, or as the context of one response."""

from collections.abc import Collection, Iterable
from typing import Any

from conversations.pcm import SAMPLE_BYTES, count_samples
from conversations.realtime.protocol.client_events import decode_audio
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.state import SessionState

MAX_ID_CHARS = 32
UNKNOWN_CALL = "invalid_tool_call_id"
PARTS = {"input_text", "output_text", "input_audio", "output_audio"}


def build_item(state: SessionState[Any], data: dict[str, Any], root: str) -> tuple[LiveItem, bytes]:
    """The item, and the audio that came with it. Raises ProtocolError that names the key below `root`."""
    item = LiveItem(data.get("id") or state.make_id("item"), type=data["type"], role=data.get("role", ""))
    if len(item.id) > MAX_ID_CHARS:
        message = f"'{root}.id' has {len(item.id)} characters; the limit is {MAX_ID_CHARS}."
        raise ProtocolError("invalid_value", message, f"{root}.id")
    pcm = _fill_item(state, item, data, root)
    if len(item.text) + sum(map(len, item.call.values())) > state.limits.max_text_chars:
        longest = max(item.call, key=lambda key: len(item.call[key]), default="content")
        param = f"{root}.{longest}"
        message = f"'{param}' has more than {state.limits.max_text_chars} characters."
        raise ProtocolError("invalid_value", message, param)
    return item, pcm


def check_new(state: SessionState[Any], item: LiveItem, awaited: Collection[str] = ()) -> None:
    """`awaited`: ids of those that are about to join the conversation. Raises ProtocolError."""
    if state.log.get(item.id) or item.id in awaited:
        raise ProtocolError("item_create_duplicate_item_id", f"There already is an item {item.id!r}.", "item.id")
    if len(state.log) + len(awaited) >= state.limits.max_items:
        message = f"The conversation has reached its limit of {state.limits.max_items} items. Start a new one."
        raise ProtocolError("conversation_full", message)


def check_outputs(outputs: Iterable[LiveItem], items: Iterable[LiveItem]) -> None:
    """Each output needs its call among `items`; a later one of the same call takes its place. Raises ProtocolError."""
    wanted = [item.call["call_id"] for item in outputs if item.type == "function_call_output"]
    calls = {item.call.get("call_id") for item in items if item.type == "function_call"} if wanted else set()
    if unknown := next((call_id for call_id in wanted if call_id not in calls), None):
        raise ProtocolError(UNKNOWN_CALL, describe_unknown_call(unknown))


def describe_unknown_call(call_id: str) -> str:
    return f"Tool call ID {call_id!r} not found in conversation."


def _fill_item(state: SessionState[Any], item: LiveItem, data: dict[str, Any], root: str) -> bytes:
    if item.type != "message":
        item.call = {key: data[key] for key in ("name", "call_id", "arguments", "output") if key in data}
        item.call.setdefault("call_id", state.make_id("call"))
        if len(item.call["call_id"]) > MAX_ID_CHARS:
            message = f"'{root}.call_id' has more than {MAX_ID_CHARS} characters."
            raise ProtocolError("invalid_value", message, f"{root}.call_id")
        return b""
    parts = data["content"]
    kinds = {part.get("type") for part in parts}
    if not parts or not kinds <= PARTS:
        message = f"'{root}.content' needs parts of text or audio. Images are not supported."
        raise ProtocolError("invalid_value", message, f"{root}.content")
    item.text = "\n".join(part.get("text") or part.get("transcript") or "" for part in parts).strip()
    item.is_audio = bool(kinds & {"input_audio", "output_audio"})
    pcm = b"".join(decode_audio(part["audio"], f"{root}.content.audio") for part in parts if part.get("audio"))
    if len(pcm) % SAMPLE_BYTES:
        raise ProtocolError("invalid_value", "The audio ends in the middle of a sample.", f"{root}.content.audio")
    item.audio_samples = count_samples(pcm)
    item.is_transcribed = bool(item.text) or item.role != "user"
    return pcm


def build_context(state: SessionState[Any], inputs: list[dict[str, Any]]) -> list[LiveItem]:
    """What `response.create` names in place of the conversation. Raises ProtocolError."""
    items = [_resolve_input(state, one, f"response.input.{place}") for place, one in enumerate(inputs)]
    check_outputs(items, items)
    return items


def _resolve_input(state: SessionState[Any], data: dict[str, Any], root: str) -> LiveItem:
    if data["type"] == "item_reference":
        item = state.log.get(data["id"])
        if item is None:
            message = f"There is no item {data['id']!r} to refer to."
            raise ProtocolError("invalid_value", message, f"{root}.id")
        return item
    item, pcm = build_item(state, data, root)
    if pcm and not item.is_transcribed:
        message = (
            f"'{root}' is audio without a transcript. Add it with conversation.item.create and refer to it by its id."
        )
        raise ProtocolError("invalid_value", message, root)
    return item
