"""The one transaction that makes several changes of a conversation durable, and the encoding and uploads before it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.core.files.base import ContentFile
from django.db import transaction

from conversations.models import AudioClip, Conversation, Item
from conversations.realtime.protocol.ids import make_id
from conversations.storage.changes import Change, Drop, merge_changes
from conversations.storage.clips import clip_files
from conversations.storage.item_batch import ItemBatch
from conversations.storage.leases import ConversationDeletedError, TakenOverError


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
        silent = ItemBatch(conversation, merge_changes(prepared.changes)).apply()
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
    rows = Conversation.objects.owned().select_for_update().filter(pk=conversation_pk)
    conversation = next(iter(rows.only("public_id", "title", "holder").order_by()), None)  # `first` would sort it
    if conversation is None:
        raise ConversationDeletedError
    if holder and conversation.holder != holder:
        raise TakenOverError
    return conversation
