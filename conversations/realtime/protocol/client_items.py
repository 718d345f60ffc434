"""Turn the items that a client creates into those of the session, and check that they fit into it."""

from collections.abc import Collection, Iterable
from typing import Any

from conversations.pcm import SAMPLE_BYTES, count_samples
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.item_parsing import ClientItem, InputItem, ItemReference
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.state import SessionState

MAX_ID_CHARS = 32
UNKNOWN_CALL = "invalid_tool_call_id"
PARTS = {"input_text", "output_text", "input_audio", "output_audio"}


def build_item(state: SessionState[Any], given: ClientItem, root: str) -> tuple[LiveItem, bytes]:
    """Return the item and the PCM that came with it, or raise ProtocolError that names the key below `root`."""
    item = LiveItem(given.id or state.make_id("item"), type=given.type, role=given.role or "")
    if len(item.id) > MAX_ID_CHARS:
        message = f"'{root}.id' has {len(item.id)} characters; the limit is {MAX_ID_CHARS}."
        raise ProtocolError("invalid_value", message, f"{root}.id")
    pcm = _fill_item(state, item, given, root)
    if len(item.text) + sum(map(len, item.call.values())) > state.limits.max_text_chars:
        longest = max(item.call, key=lambda key: len(item.call[key]), default="content")
        param = f"{root}.{longest}"
        message = f"'{param}' has more than {state.limits.max_text_chars} characters."
        raise ProtocolError("invalid_value", message, param)
    return item, pcm


def check_new(state: SessionState[Any], item: LiveItem, awaited: Collection[str] = ()) -> None:
    """Raise ProtocolError if there is an item with this id already, or no room for one more.

    `awaited` are the ids of those that are about to join the conversation.
    """
    if state.log.get(item.id) or item.id in awaited:
        raise ProtocolError("item_create_duplicate_item_id", f"There already is an item {item.id!r}.", "item.id")
    if len(state.log) + len(awaited) >= state.limits.max_items:
        message = f"The conversation has reached its limit of {state.limits.max_items} items. Start a new one."
        raise ProtocolError("conversation_full", message)


def check_outputs(outputs: Iterable[LiveItem], items: Iterable[LiveItem]) -> None:
    """Raise ProtocolError if an output has no call among `items`. Of two outputs of a call the later one counts."""
    wanted = [item.call["call_id"] for item in outputs if item.type == "function_call_output"]
    calls = {item.call.get("call_id") for item in items if item.type == "function_call"} if wanted else set()
    if unknown := next((call_id for call_id in wanted if call_id not in calls), None):
        raise ProtocolError(UNKNOWN_CALL, describe_unknown_call(unknown))


def describe_unknown_call(call_id: str) -> str:
    """Return the message of the error about an output whose call is not there."""
    return f"Tool call ID {call_id!r} not found in conversation."


def _fill_item(state: SessionState[Any], item: LiveItem, given: ClientItem, root: str) -> bytes:
    if item.type != "message":
        named = {"name": given.name, "call_id": given.call_id, "arguments": given.arguments, "output": given.output}
        item.call = {key: value for key, value in named.items() if value is not None}
        item.call.setdefault("call_id", state.make_id("call"))
        if len(item.call["call_id"]) > MAX_ID_CHARS:
            message = f"'{root}.call_id' has more than {MAX_ID_CHARS} characters."
            raise ProtocolError("invalid_value", message, f"{root}.call_id")
        return b""
    parts = given.content
    kinds = {part.type for part in parts}
    if not parts or not kinds <= PARTS:
        message = f"'{root}.content' needs parts of text or audio. Images are not supported."
        raise ProtocolError("invalid_value", message, f"{root}.content")
    item.text = "\n".join(part.text or part.transcript or "" for part in parts).strip()
    item.is_audio = bool(kinds & {"input_audio", "output_audio"})
    pcm = b"".join(part.audio for part in parts if part.audio)
    if len(pcm) % SAMPLE_BYTES:
        raise ProtocolError("invalid_value", "The audio ends in the middle of a sample.", f"{root}.content.audio")
    item.audio_samples = count_samples(pcm)
    item.is_transcribed = bool(item.text) or item.role != "user"
    return pcm


def build_context(state: SessionState[Any], inputs: Iterable[InputItem]) -> list[LiveItem]:
    """Return the items that `response.create` names in place of the conversation, or raise ProtocolError."""
    items = [_resolve_input(state, one, f"response.input.{place}") for place, one in enumerate(inputs)]
    check_outputs(items, items)
    return items


def _resolve_input(state: SessionState[Any], given: InputItem, root: str) -> LiveItem:
    if isinstance(given, ItemReference):
        item = state.log.get(given.id)
        if item is None:
            message = f"There is no item {given.id!r} to refer to."
            raise ProtocolError("invalid_value", message, f"{root}.id")
        return item
    item, pcm = build_item(state, given, root)
    if pcm and not item.is_transcribed:
        message = (
            f"'{root}' is audio without a transcript. Add it with conversation.item.create and refer to it by its id."
        )
        raise ProtocolError("invalid_value", message, root)
    return item
