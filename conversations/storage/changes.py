"""The changes that a session makes to its conversation, and the one transaction that makes several of them durable."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from conversations.models import AudioClip, Conversation, Item
from conversations.realtime.protocol import items as live
from conversations.realtime.protocol.ids import make_id
from conversations.storage import clip_files
from conversations.storage.item_rows import CHANGING, copy_fields
from conversations.storage.leases import ConversationDeletedError, TakenOverError

TITLE_CHARS = 80


@dataclass(frozen=True, slots=True)
class Put:
    """Save an item as it stands.

    `after` is where a new item is inserted: after the item of this id, first ("root"), or last (None). `make_clip`
    returns the item's audio as an Ogg Opus file; it is called before anything is locked.
    """

    item: live.LiveItem
    after: str | None = None
    make_clip: Callable[[], bytes] | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """Delete an item and its audio."""

    item_id: str


Change = Put | Drop


@dataclass(frozen=True, slots=True)
class Sound:
    """The audio of an item, as an Ogg Opus file."""

    duration_ms: int
    ogg: bytes


@dataclass(frozen=True, slots=True)
class Prepared:
    """Changes, with what must be done before anything is locked: their audio is encoded, and its files have names.

    The `uploads` must be finished before `commit`. A storage in Postgres has none: the audio is part of the commit.
    """

    conversation_pk: int
    changes: Sequence[Change]
    sounds: Mapping[str, Sound]
    uploads: Mapping[str, clip_files.Upload]


def apply_changes(conversation_pk: int, changes: Sequence[Change], holder: str = "") -> None:
    """Apply changes in order, in one transaction. Applied again, after a lost connection, they change nothing.

    `holder` is the id of the session that writes, "" for others. Raise ConversationDeletedError, TakenOverError or
    ClipStorageError.
    """
    prepared = prepare(conversation_pk, changes)
    check_uploads(clip_files.upload_all_blocking([*prepared.uploads.values()]))
    commit(prepared, holder)


def prepare(conversation_pk: int, changes: Sequence[Change]) -> Prepared:
    """Encode the audio, which is slow, and reserve names for its files. Raise ConversationDeletedError."""
    sounds = _encode_sounds(changes)
    uploads: Mapping[str, clip_files.Upload] = {}
    if sounds and clip_files.is_outside():
        conversation = Conversation.objects.owned().filter(pk=conversation_pk).first()
        if conversation is None:
            raise ConversationDeletedError
        dropped = {change.item_id for change in changes if isinstance(change, Drop)}
        stored = _find_items_with_clip(conversation, sounds.keys()) - dropped  # by an earlier try whose answer was lost
        files = {item_id: sound.ogg for item_id, sound in sounds.items() if item_id not in stored}
        uploads = clip_files.reserve(conversation, files)
    return Prepared(conversation_pk, changes, sounds, uploads)


def check_uploads(hanging: list[str]) -> None:
    """Raise ClipStorageError if uploads hang; the next try uploads them under other names."""
    if hanging:
        clip_files.abandon(hanging)
        raise clip_files.ClipStorageError(f"{len(hanging)} uploads hang.")


def commit(prepared: Prepared, holder: str = "") -> None:
    """Make the changes durable. Raise ConversationDeletedError, TakenOverError or ClipStorageError."""
    with transaction.atomic():
        conversation = _lock_conversation(prepared.conversation_pk, holder)
        silent = _Batch(conversation, _merge_changes(prepared.changes)).apply()
        if clip_files.is_outside():
            _attach_uploads(prepared, silent)
            return
        for item_id in prepared.sounds.keys() & silent.keys():
            _store_clip(conversation, silent[item_id], prepared.sounds[item_id])


def _find_items_with_clip(conversation: Conversation, item_ids: Iterable[str]) -> set[str]:
    clips = AudioClip.objects.filter(item__conversation=conversation, item__public_id__in=item_ids)
    return set(clips.values_list("item__public_id", flat=True))


def _attach_uploads(prepared: Prepared, silent: Mapping[str, Item]) -> None:
    """Make the uploaded files the clips of items that have none."""
    clips = [
        _build_clip(silent[item_id], prepared.sounds[item_id], upload.name)
        for item_id, upload in prepared.uploads.items()
        if item_id in silent
    ]
    if clips:
        clip_files.attach([clip.file.name or "" for clip in AudioClip.objects.bulk_create(clips)])


def _build_clip(row: Item, sound: Sound, name: str = "") -> AudioClip:
    return AudioClip(item=row, file=name, duration_ms=sound.duration_ms, size_bytes=len(sound.ogg))


def _encode_sounds(changes: Sequence[Change]) -> dict[str, Sound]:
    """Return the encoded audio of each item that is not dropped later: a new item may have its id by then."""
    makers: dict[str, tuple[int, Callable[[], bytes]]] = {}
    for change in changes:
        if isinstance(change, Drop):
            makers.pop(change.item_id, None)
        elif change.make_clip:
            makers[change.item.id] = change.item.audio_ms, change.make_clip
    return {item_id: Sound(audio_ms, make()) for item_id, (audio_ms, make) in makers.items()}


def _store_clip(conversation: Conversation, row: Item, sound: Sound) -> None:
    clip = _build_clip(row, sound)
    clip.file.save(f"{conversation.public_id}/{make_id('clip')}.ogg", ContentFile(sound.ogg), save=False)
    clip.save()


def _lock_conversation(conversation_pk: int, holder: str) -> Conversation:
    # The lock orders two sessions of one conversation: the old one must not change what the new one has read.
    conversation = Conversation.objects.owned().select_for_update().filter(pk=conversation_pk).first()
    if conversation is None:
        raise ConversationDeletedError
    if holder and conversation.holder != holder:
        raise TakenOverError
    return conversation


def _merge_changes(changes: Sequence[Change]) -> list[Change]:
    """Return only the last of several states of an item, at the place of the first."""
    latest: list[Change] = []
    places: dict[str, int] = {}
    for change in changes:
        if isinstance(change, Drop):
            places.pop(change.item_id, None)
        elif (place := places.setdefault(change.item.id, len(latest))) < len(latest):
            first = latest[place]
            latest[place] = Put(change.item, first.after if isinstance(first, Put) else None)
            continue
        latest.append(change)
    return latest


@dataclass(frozen=True, slots=True)
class _Stored:
    """What is known of an item that the database already holds."""

    position: int
    error_code: str
    clip_pk: int | None


class _Batch:
    """Writes merged changes with as few statements as their order allows."""

    def __init__(self, conversation: Conversation, changes: Sequence[Change]) -> None:
        self._conversation = conversation
        self._changes = changes
        ids = [change.item.id for change in changes if isinstance(change, Put)]
        last = conversation.items.order_by("-position").values("position")[:1]
        rows = conversation.items.filter(Q(public_id__in=ids) | Q(position=last))
        found = rows.values_list("public_id", "position", "error_code", "clip")
        self._stored = {public_id: _Stored(position, error, clip) for public_id, position, error, clip in found}
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
