"""What a client asks of the conversation's items: the checks and the effects that both machines share."""

from collections.abc import Collection
from typing import Any

from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.state import SessionState


def get_item(state: SessionState[Any], item_id: str, verb: str) -> LiveItem:
    """Return the item that a client names, or raise ProtocolError; `verb`, what it asks for, is in the error's code."""
    item = state.log.get(item_id)
    if item is None:
        message = f"There is no item {item_id!r} in this conversation."
        raise ProtocolError(f"item_{verb}_invalid_item_id", message, "item_id")
    return item


def check_place(state: SessionState[Any], previous_item_id: str | None, awaited: Collection[str] = ()) -> None:
    """Raise ProtocolError if no item can be inserted behind the one with this id.

    None stands for the end of the conversation, "root" for its beginning. `awaited` are the ids of items that are about
    to join it.
    """
    if previous_item_id is not None and not state.log.has_place(previous_item_id) and previous_item_id not in awaited:
        message = f"There is no item {previous_item_id!r} to insert after."
        raise ProtocolError("invalid_value", message, "previous_item_id")


def send_item(state: SessionState[Any], item_id: str) -> None:
    """Send `conversation.item.retrieved`, or raise ProtocolError if there is no such item."""
    state.send("conversation.item.retrieved", item=get_item(state, item_id, "retrieve").to_wire())


def delete_item(state: SessionState[Any], item: LiveItem) -> None:
    """Remove the item from the conversation and from storage, and tell the client."""
    state.log.remove(item)
    state.remove(item)
    state.send("conversation.item.deleted", item_id=item.id)


def check_truncation(item: LiveItem, content_index: int, audio_end_ms: int) -> None:
    """Raise ProtocolError unless the item is speech of the assistant that is at least `audio_end_ms` long."""
    if item.role != "assistant" or not item.is_audio:
        message = "Only an assistant's message with audio can be truncated."
        raise ProtocolError("unsupported_content_type", message, "item_id")
    if content_index != 0:
        raise ProtocolError("invalid_value", "'content_index' must be 0.", "content_index")
    # Clients may round the length of the audio up to the next millisecond.
    if not 0 <= audio_end_ms <= item.audio_ms + 1:
        message = f"'audio_end_ms' is {audio_end_ms}; the item has {item.audio_ms} ms of audio."
        raise ProtocolError("invalid_value", message, "audio_end_ms")


def truncate_item(state: SessionState[Any], item: LiveItem, audio_end_ms: int, content_index: int = 0) -> None:
    """Store that the user heard the item's audio up to `audio_end_ms`, and tell the client."""
    item.truncate(audio_end_ms)
    state.save(item)
    cut = {"item_id": item.id, "content_index": content_index, "audio_end_ms": audio_end_ms}
    state.send("conversation.item.truncated", **cut)
