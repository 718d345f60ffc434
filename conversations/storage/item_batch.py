"""The rows of a conversation's items, written with as few statements as the order of the changes allows."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import F
from django.utils import timezone

from conversations.models import AudioClip, Conversation, Item
from conversations.realtime.protocol import items as live
from conversations.storage.changes import Change, Put
from conversations.storage.clips import clip_files
from conversations.storage.item_rows import CHANGING, copy_fields

TITLE_CHARS = 80
# Those of the items that are stored already, and the last one. Every write asks for them, and to have Django compile
# this query would take five times as long as the answer.
FIND_STORED = f"""
    SELECT item.public_id, item.position, item.error_code, clip.id
    FROM {Item._meta.db_table} item LEFT JOIN {AudioClip._meta.db_table} clip ON clip.item_id = item.id
    WHERE item.conversation_id = %(conversation)s AND (
        item.public_id = ANY(%(ids)s) OR item.position = (
            SELECT max(position) FROM {Item._meta.db_table} WHERE conversation_id = %(conversation)s
        )
    )
"""  # noqa: S608  the names of tables


@dataclass(frozen=True, slots=True)
class _Stored:
    """What is known of an item that the database already holds."""

    position: int
    error_code: str
    clip_pk: int | None


class ItemBatch:
    """Write merged changes with as few statements as their order allows."""

    def __init__(self, conversation: Conversation, changes: Sequence[Change]) -> None:
        self._conversation = conversation
        self._changes = changes
        ids = [change.item.id for change in changes if isinstance(change, Put)]
        with connection.cursor() as cursor:
            cursor.execute(FIND_STORED, {"conversation": conversation.pk, "ids": ids})
            self._stored = {public_id: _Stored(*row) for public_id, *row in cursor.fetchall()}
        # The position after the last item.
        self._end = max((row.position + 1 for row in self._stored.values()), default=0)
        self._rows: dict[str, Item] = {}  # rows to be written
        self._written: dict[str, Item] = {}
        self._count = self._errors = 0

    def apply(self) -> dict[str, Item]:
        """Write all changes. Return the written rows that have no clip yet, by the items' ids."""
        for change in self._changes:
            if isinstance(change, Put):
                self._put_item(change.item, change.after)
            else:
                self._drop_item(change.item_id)
        self._write_rows()
        self._update_conversation()
        with_clip = {item_id for item_id, row in self._stored.items() if row.clip_pk is not None}
        return {item_id: row for item_id, row in self._written.items() if item_id not in with_clip}

    def _put_item(self, item: live.LiveItem, after: str | None) -> None:
        stored = self._stored.get(item.id)
        position = stored.position if stored else self._assign_position(after)
        row = Item(conversation=self._conversation, public_id=item.id, position=position)
        copy_fields(row, item)
        self._rows[item.id] = row
        self._count += stored is None
        self._errors += bool(item.error_code and not (stored and stored.error_code))

    def _assign_position(self, after: str | None) -> int:
        self._end += 1
        return self._end - 1 if after is None else self._make_room(after)

    def _make_room(self, after: str) -> int:
        self._write_rows()
        anchor = self._conversation.items.filter(public_id=after).first()
        position = anchor.position + 1 if anchor else 0
        self._conversation.items.filter(position__gte=position).update(position=F("position") + 1)
        return position

    def _write_rows(self) -> None:
        if self._rows:
            once = ["conversation", "public_id"]
            rows = list(self._rows.values())
            Item.objects.bulk_create(rows, update_conflicts=True, unique_fields=once, update_fields=CHANGING)
            self._written |= self._rows
            self._rows = {}

    def _drop_item(self, item_id: str) -> None:
        self._write_rows()
        row = self._conversation.items.filter(public_id=item_id).first()
        if row is None:
            return
        clip = AudioClip.objects.filter(item=row).first()
        row.delete()
        self._stored.pop(item_id, None)
        self._written.pop(item_id, None)
        self._count -= 1
        if clip:
            clip_files.discard([clip.file.name or ""])

    def _update_conversation(self) -> None:
        before = self._conversation.title
        title = before or self._find_first_words()
        if self._count or self._errors or title != before:
            Conversation.objects.filter(pk=self._conversation.pk).update(
                title=title,
                item_count=F("item_count") + self._count,
                error_count=F("error_count") + self._errors,
                updated_at=timezone.now(),
            )

    def _find_first_words(self) -> str:
        said = (change.item for change in self._changes if isinstance(change, Put))
        return next((item.text[:TITLE_CHARS] for item in said if item.role == Item.Role.USER and item.text), "")
