"""The conversation's items on both sides: create, cut and delete them, and resend them to a new connection."""

from dataclasses import dataclass
from typing import Any

from openai.types import realtime as sdk

from conversations.realtime import item_edits
from conversations.realtime.protocol.client_events import ItemCreation
from conversations.realtime.protocol.client_items import build_item, check_new
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.item_parsing import ClientItem
from conversations.realtime.protocol.items import CALL_KEYS, LiveItem
from conversations.realtime.relay.response import STORED, read_item
from conversations.realtime.relay.state import RelayState
from conversations.realtime.relay.upstream_link import UpstreamLink, UpstreamRequest


@dataclass(frozen=True, slots=True)
class Creation:
    """An item that the client has created and the upstream has not confirmed.

    `asked` is what the client sent, `pcm` the audio that came with it, and `after` where it is inserted.
    """

    item: LiveItem
    asked: ClientItem
    pcm: bytes
    after: str | None


class RelayItems:
    """Keep the items of both sides the same.

    What the client asks for takes effect once the upstream confirms it. A new connection gets the whole conversation
    as text.
    """

    def __init__(self, state: RelayState, link: UpstreamLink) -> None:
        self.state = state
        self.link = link
        self._unconfirmed: dict[str, Creation] = {}  # by id of the item
        self._cutting: dict[str, int] = {}  # by id: truncations that are not confirmed, in ms
        self._deleting: set[str] = set()
        self._resent: set[str] = set()  # items that the present connection has as text, without audio
        self._quiet: set[tuple[str, str]] = set()  # (event type, item id) that the client is not told of

    # What the client asks.

    def create(self, event: ItemCreation) -> None:
        """Ask the upstream to create an item, or raise ProtocolError."""
        item, pcm = build_item(self.state, event.item, "item")
        check_new(self.state, item, self._unconfirmed)
        after = event.previous_item_id
        item_edits.check_place(self.state, after, self._unconfirmed)
        self._unconfirmed[item.id] = Creation(item, event.item, pcm, after)
        self._request_creation(item.id, event.event_id)

    def _request_creation(self, item_id: str, event_id: str | None) -> None:
        def forget_request() -> None:
            self._unconfirmed.pop(item_id, None)

        created = self._unconfirmed[item_id]
        shown = {**created.asked.to_wire(), "id": item_id}
        self._send_creation(shown, created.after, UpstreamRequest(event_id, forget_request))

    def _send_creation(self, shown: dict[str, Any], after: str | None, request: UpstreamRequest) -> None:
        place = {"previous_item_id": after} if after else {}
        self.link.send_request("conversation.item.create", request, item=shown, **place)

    def retrieve(self, event: sdk.ConversationItemRetrieveEvent) -> None:
        """Send the item as we have it, or raise ProtocolError."""
        item_edits.send_item(self.state, event.item_id)

    def delete(self, event: sdk.ConversationItemDeleteEvent) -> None:
        """Ask the upstream to delete an item, or raise ProtocolError."""
        item = item_edits.get_item(self.state, event.item_id, "delete")
        if item.status == "in_progress":
            message = "The item is being written by a response. Send response.cancel first."
            raise ProtocolError("item_delete_in_progress", message, "item_id")
        self._deleting.add(event.item_id)
        undo = self._deleting.discard
        self.link.send_request(
            "conversation.item.delete",
            UpstreamRequest(event.event_id, lambda: undo(event.item_id)),
            item_id=event.item_id,
        )

    def truncate(self, event: sdk.ConversationItemTruncateEvent) -> None:
        """Cut an item to what was played, upstream too, or raise ProtocolError."""
        item = item_edits.get_item(self.state, event.item_id, "truncate")
        item_edits.check_truncation(item, event.content_index, event.audio_end_ms)
        end_ms = min(event.audio_end_ms, item.audio_ms)
        if item.id not in self._resent and self.link.is_up:
            self._cutting[item.id] = end_ms
            request = UpstreamRequest(event.event_id, lambda: self._forget_cut(item.id))
            cut = {"item_id": item.id, "content_index": 0, "audio_end_ms": end_ms}
            self.link.send_request("conversation.item.truncate", request, **cut)
            return
        self._cut(item.id, end_ms)
        if self.link.is_up:
            self._resend_cut(item)

    def _forget_cut(self, item_id: str) -> None:
        self._cutting.pop(item_id, None)

    # What the upstream tells.

    def add(self, event: dict[str, Any], name: str) -> None:
        """Take an item that the upstream has added; `name` is its id as the client knows it."""
        shown = event["item"]
        if self._consume_quiet(event["type"], shown["id"]):
            return
        before = event.get("previous_item_id")
        if name in self._unconfirmed:
            created = self._unconfirmed.pop(name)
            self._insert(created.item, created.after)
            self.state.save(created.item, after=created.after, pcm=created.pcm)
        elif self.state.log.get(name) is None and shown["type"] in STORED:
            item = read_item({**shown, "id": name})
            self._insert(item, before)
            self.state.save(item)
        known = self.state.log.get(name)
        told = shown if known is None or event["type"].endswith("done") or known.response_id else known.to_wire()
        if known is not None:
            before = self.state.log.get_previous_id(known)
        self.state.send(event["type"], item={**told, "id": name}, previous_item_id=before)

    def _insert(self, item: LiveItem, after: str | None) -> None:
        self.state.log.insert(item, after if self.state.log.has_place(after) else None)

    def confirm_deletion(self, event: dict[str, Any]) -> None:
        """Delete an item that the upstream has deleted."""
        if not self._consume_quiet(event["type"], event["item_id"]):
            self._delete(event["item_id"])

    def _delete(self, item_id: str) -> None:
        self._deleting.discard(item_id)
        item = self.state.log.get(item_id)
        if item is not None:
            item_edits.delete_item(self.state, item)

    def confirm_truncation(self, event: dict[str, Any]) -> None:
        """Cut an item that the upstream has truncated."""
        self._cut(event["item_id"], event["audio_end_ms"], event["content_index"])

    def _cut(self, item_id: str, end_ms: int, content_index: int = 0) -> None:
        self._cutting.pop(item_id, None)
        if (item := self.state.log.get(item_id)) is not None:
            item_edits.truncate_item(self.state, item, end_ms, content_index)

    def _consume_quiet(self, kind: str, item_id: str) -> bool:
        """Return whether the client must not be told of this event, which comes once."""
        if (kind, item_id) not in self._quiet:
            return False
        self._quiet.discard((kind, item_id))
        return True

    # A new connection.

    def settle_unconfirmed(self) -> None:
        """Cut and delete what the lost connection did not confirm, and ask the next one for the new items."""
        for item_id, end_ms in list(self._cutting.items()):
            self._cut(item_id, end_ms)
        for item_id in list(self._deleting):
            self._delete(item_id)
        for item_id in list(self._unconfirmed):
            self._request_creation(item_id, None)

    def resend_all(self) -> None:
        """Send the conversation to a new connection as text; of the assistant's speech, what the user heard."""
        self._quiet.clear()
        self._resent.clear()
        answered = {item.call.get("call_id") for item in self.state.log if item.type == "function_call_output"}
        for item in self.state.log.context_items:
            if shown := _build_text_item(item, answered):
                self._resend(shown)

    def _resend(self, shown: dict[str, Any], after: str | None = None) -> None:
        self._resent.add(shown["id"])
        self._quiet |= {(f"conversation.item.{kind}", shown["id"]) for kind in ("added", "done")}
        self._send_creation(shown, after, UpstreamRequest(is_own=True))

    def _resend_cut(self, item: LiveItem) -> None:
        """Replace an item that the upstream has as text, which cannot be truncated there."""
        self._quiet.add(("conversation.item.deleted", item.id))
        self.link.send_request("conversation.item.delete", UpstreamRequest(is_own=True), item_id=item.id)
        if shown := _build_text_item(item, set()):
            self._resend(shown, self.state.log.get_previous_id(item) or "root")


def _build_text_item(item: LiveItem, answered: set[str | None]) -> dict[str, Any] | None:
    """Return the item as text for `conversation.item.create`, or None if there is nothing to send."""
    if item.type == "message":
        kind = "output_text" if item.role == "assistant" else "input_text"
        words = item.context_text.strip()
        content = [{"type": kind, "text": words}]
        return {"id": item.id, "type": item.type, "role": item.role, "content": content} if words else None
    is_told = item.type == "function_call_output" or item.call.get("call_id") in answered
    if is_told and item.type in ("function_call", "function_call_output"):
        return {
            "id": item.id,
            "type": item.type,
            **{key: item.call[key] for key in CALL_KEYS[item.type] if key in item.call},
        }
    return None
