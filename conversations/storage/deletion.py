"""Deletes conversations with all their audio.

A conversation without a user is being deleted: nobody finds it any more. Its rows are deleted in batches, those of a
large one in the background, where a stop of the server only interrupts the work. Audio in Postgres goes along with its
batch; files outside become loose files, and are deleted with as many tries as the storage needs.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Least, Now, Power
from django.utils import timezone

from accounts.models import User
from conversations import background_jobs
from conversations.models import AudioClip, Conversation, Item, LooseFile, clip_storage
from conversations.storage.clips import clip_files, file_deletion

log = logging.getLogger(__name__)

BATCH_CONVERSATIONS = 100
BATCH_ITEMS = 500
BATCH_FILES = 500
LOCK_ID = 0x5E7A  # any number that no other advisory lock of this site uses
CLAIMED_FOR = timedelta(minutes=5)  # longer than a batch of files may take; after that another process takes over
FIRST_RETRY = timedelta(seconds=5)
DOUBLINGS = 10  # of the time to the next try: up to 85 minutes


def delete_conversations(conversations: Iterable[Conversation]) -> int:
    """Delete conversations with their items and clips, and return how many there were."""
    return _hide_and_delete(Conversation.objects.filter(pk__in=[one.pk for one in conversations], user__isnull=False))


def delete_conversations_of(users: Iterable[User]) -> int:
    """Delete the conversations of users. Do it before the users are deleted, or else their audio is left behind."""
    return _hide_and_delete(Conversation.objects.filter(user__in=users))


@transaction.atomic
def _hide_and_delete(conversations: QuerySet[Conversation]) -> int:
    """Hide conversations at once, delete a first batch, and return how many there are.

    A live session cannot add an item after that, so none of its audio is left behind.
    """
    count = conversations.update(user=None)
    delete_batch()
    transaction.on_commit(background_jobs.wake)
    return count


@transaction.atomic
def delete_batch() -> bool:
    """Delete a batch of the rows to be deleted, and return whether there may be more. One process does it at a time."""
    if not _acquire_lock():
        return False
    doomed = list(
        Conversation.objects.filter(user=None).order_by("pk").values_list("pk", flat=True)[:BATCH_CONVERSATIONS]
    )
    items = list(Item.objects.filter(conversation__in=doomed).order_by().values_list("pk", flat=True)[:BATCH_ITEMS])
    clips = AudioClip.objects.filter(item__in=items)
    clip_files.discard(clips.values_list("file", flat=True))
    clips.delete()
    Item.objects.filter(pk__in=items).delete()
    if len(items) < BATCH_ITEMS:
        Conversation.objects.filter(pk__in=doomed).delete()
    return len(items) == BATCH_ITEMS or len(doomed) == BATCH_CONVERSATIONS


def _acquire_lock() -> bool:
    """Return whether this transaction got the lock, so that no other process deletes a batch meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK_ID])
        return bool(cursor.fetchone()[0])


def delete_loose_files() -> bool:
    """Delete a batch of the files that are due, and return whether there may be more. Failures are tried again."""
    names = _claim_due_files()
    failed = file_deletion.delete_files(clip_storage(), names)
    LooseFile.objects.filter(name__in=set(names) - failed).delete()
    LooseFile.objects.filter(name__in=failed).update(
        due_at=Now() + Power(2, Least(F("tries"), DOUBLINGS)) * FIRST_RETRY
    )
    if failed:
        log.warning("%d of %d sound files could not be deleted; they are tried again", len(failed), len(names))
    return len(names) == BATCH_FILES and not failed


@transaction.atomic
def _claim_due_files() -> list[str]:
    """Return names of files to delete, which no other process and no upload takes from now on."""
    now = timezone.now()
    due = LooseFile.objects.select_for_update(skip_locked=True).filter(due_at__lte=now).order_by("due_at")
    rows = dict(due.values_list("name", "is_reserved")[:BATCH_FILES])
    LooseFile.objects.filter(name__in=rows).update(is_reserved=False, due_at=now + CLAIMED_FOR, tries=F("tries") + 1)
    # Reservations that no clip has taken over in time; should a clip have the file after all, it stays.
    expired = [name for name, is_reserved in rows.items() if is_reserved]
    kept = set(AudioClip.objects.filter(file__in=expired).values_list("file", flat=True)) if expired else set()
    LooseFile.objects.filter(name__in=kept).delete()
    return [name for name in rows if name not in kept]


def count_remaining() -> dict[str, int]:
    """Return how many conversations, items and sound files are still to be deleted, without those that are 0."""
    doomed = Conversation.objects.filter(user=None)
    counts = {
        "conversations": doomed.count(),
        "items": Item.objects.filter(conversation__in=doomed).count(),
        "sound files": LooseFile.objects.filter(is_reserved=False).count(),
    }
    return {name: count for name, count in counts.items() if count}
