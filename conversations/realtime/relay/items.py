"""The conversation's items on both sides: made, told, cut, deleted; and told again to a connection that knows none."""

from typing import Any

from openai.types import realtime as sdk

from conversations.realtime.protocol.client_items import build_item, check_new
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.items import CALL_KEYS, LiveItem
from conversations.realtime.relay.response import STORED, from_wire
from conversations.realtime.relay.upstream_link import Asked, UpstreamLink
from conversations.realtime.state import Core


class RelayItems:
    def __init__(self, core: Core, link: UpstreamLink) -> None:
        self.core = core
        self.link = link
        self._made: dict[
            str, tuple[LiveItem, bytes, str | None, dict[str, Any]]
        ] = {}  # by id: not yet in the conversation
        self._cutting: dict[str, dict[str, Any]] = {}  # by id: asked for and not confirmed
        self._deleting: set[str] = set()
        self._retold: set[str] = set()  # items that the present connection knows by their words alone
        self._quiet: set[tuple[str, str]] = set()  # (kind of event, item) that the client did not ask for

    # What the client asks.

    def create(self, event: sdk.ConversationItemCreateEvent) -> None:
        data = event.item.model_dump(exclude_none=True, mode="json")
        item, pcm = build_item(self.core, data, "item")
        check_new(self.core, item, self._made)
        after = event.previous_item_id
        if after not in (None, "root") and self.core.log.get(after) is None and after not in self._made:
            raise ProtocolError("invalid_value", f"There is no item {after!r} to insert behind.", "previous_item_id")
        fields = {"item": {**data, "id": item.id}} | ({"previous_item_id": after} if after else {})
        self._made[item.id] = (item, pcm, after, fields)
        self._ask_for(item.id, event.event_id)

    def _ask_for(self, item_id: str, event_id: str | None) -> None:
        def refused() -> None:
            self._made.pop(item_id, None)

        self.link.tell("conversation.item.create", Asked(event_id, refused), **self._made[item_id][3])

    def retrieve(self, event: sdk.ConversationItemRetrieveEvent) -> None:
        self.core.send("conversation.item.retrieved", item=self.core.get_item(event.item_id, "retrieve").to_wire())

    def delete(self, event: sdk.ConversationItemDeleteEvent) -> None:
        item = self.core.get_item(event.item_id, "delete")
        if item.status == "in_progress":
            message = "The item is being written by a response. Send response.cancel first."
            raise ProtocolError("item_delete_in_progress", message, "item_id")
        self._deleting.add(event.item_id)
        undo = self._deleting.discard
        self.link.tell(
            "conversation.item.delete", Asked(event.event_id, lambda: undo(event.item_id)), item_id=event.item_id
        )

    def truncate(self, event: sdk.ConversationItemTruncateEvent) -> None:
        item = self.core.get_item(event.item_id, "truncate")
        if item.role != "assistant" or not item.is_audio:
            message = "Only an assistant's message with audio can be truncated."
            raise ProtocolError("unsupported_content_type", message, "item_id")
        if event.content_index != 0:
            raise ProtocolError("invalid_value", "'content_index' must be 0.", "content_index")
        if not 0 <= event.audio_end_ms <= item.audio_ms + 1:
            message = f"'audio_end_ms' is {event.audio_end_ms}; the item has {item.audio_ms} ms of audio."
            raise ProtocolError("invalid_value", message, "audio_end_ms")
        # A client that rounds the length of all it got up is one millisecond beyond it.
        cut = {"item_id": item.id, "content_index": 0, "audio_end_ms": min(event.audio_end_ms, item.audio_ms)}
        if item.id not in self._retold and self.link.is_up:
            self._cutting[item.id] = cut
            self.link.tell("conversation.item.truncate", Asked(event.event_id, lambda: self._not_cut(item.id)), **cut)
            return
        self.cut(cut)
        if self.link.is_up:
            self._retell_cut(item)

    def _not_cut(self, item_id: str) -> None:
        self._cutting.pop(item_id, None)

    # What the upstream tells.

    def added(self, event: dict[str, Any], name: str) -> None:
        """`name`: the item's id as the client knows it."""
        shown = event["item"]
        if self._is_quiet(event["type"], shown["id"]):
            return
        before = event.get("previous_item_id")
        if name in self._made:
            item, pcm, after, _ = self._made.pop(name)
            self._insert(item, after)
            self.core.save(item, after=after, pcm=pcm)
        elif self.core.log.get(name) is None and shown["type"] in STORED:
            item = from_wire({**shown, "id": name})
            self._insert(item, before)
            self.core.save(item)
        known = self.core.log.get(name)
        told = shown if known is None or event["type"].endswith("done") or known.response_id else known.to_wire()
        if known is not None:
            before = self.core.log.get_previous_id(known)
        self.core.send(event["type"], item={**told, "id": name}, previous_item_id=before)

    def _insert(self, item: LiveItem, after: str | None) -> None:
        is_known = after in (None, "root") or self.core.log.get(after or "") is not None
        self.core.log.insert(item, after if is_known else None)

    def deleted(self, event: dict[str, Any]) -> None:
        if not self._is_quiet(event["type"], event["item_id"]):
            self._delete(event["item_id"])

    def _delete(self, item_id: str) -> None:
        self._deleting.discard(item_id)
        item = self.core.log.get(item_id)
        if item is not None:
            self.core.log.remove(item)
            self.core.remove(item)
            self.core.send("conversation.item.deleted", item_id=item.id)

    def cut(self, event: dict[str, Any]) -> None:
        item = self.core.log.get(event["item_id"])
        self._cutting.pop(event["item_id"], None)
        if item is not None:
            item.truncate(event["audio_end_ms"])
            self.core.save(item)
            kept = {key: event[key] for key in ("item_id", "content_index", "audio_end_ms")}
            self.core.send("conversation.item.truncated", **kept)

    def _is_quiet(self, kind: str, item_id: str) -> bool:
        if (kind, item_id) not in self._quiet:
            return False
        self._quiet.discard((kind, item_id))
        return True

    # A connection that knows nothing.

    def lost(self) -> None:
        """What was not confirmed is done here, or asked of the next one."""
        for cut in list(self._cutting.values()):
            self.cut(cut)
        for item_id in list(self._deleting):
            self._delete(item_id)
        for item_id in list(self._made):
            self._ask_for(item_id, None)

    def retell(self) -> None:
        """All that was said, in words: what was heard of what the assistant said."""
        self._quiet.clear()
        self._retold.clear()
        answered = {item.call.get("call_id") for item in self.core.log if item.type == "function_call_output"}
        for item in self.core.log.context_items:
            if shown := _in_words(item, answered):
                self._tell(shown)

    def _tell(self, shown: dict[str, Any], after: str | None = None) -> None:
        self._retold.add(shown["id"])
        self._quiet |= {(f"conversation.item.{kind}", shown["id"]) for kind in ("added", "done")}
        fields = {"item": shown} | ({"previous_item_id": after} if after else {})
        self.link.tell("conversation.item.create", Asked(is_own=True), **fields)

    def _retell_cut(self, item: LiveItem) -> None:
        """It has words alone upstream, which cannot be cut there: it is said anew."""
        self._quiet.add(("conversation.item.deleted", item.id))
        self.link.tell("conversation.item.delete", Asked(is_own=True), item_id=item.id)
        if shown := _in_words(item, set()):
            self._tell(shown, self.core.log.get_previous_id(item) or "root")


def _in_words(item: LiveItem, answered: set[str | None]) -> dict[str, Any] | None:
    """The item for `conversation.item.create`; None where there is nothing to tell."""
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
