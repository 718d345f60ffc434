"""Deleting conversations, sound and all.

The sound goes first: it may lie outside the database, where no rollback and no cascade reaches. If the storage
fails half-way, the conversation is still there to be deleted again, and no sound stays behind unseen.
"""

from collections.abc import Iterable

from django.db import transaction

from accounts.models import User
from conversations.models import AudioClip, Conversation, clip_storage


@transaction.atomic
def delete_conversations(conversations: Iterable[Conversation]) -> int:
    """Deletes them with their items and clips; returns how many there were."""
    # The lock makes a live session's next item wait and then fail, rather than leave its sound behind.
    locked = Conversation.objects.select_for_update(of=("self",)).filter(pk__in=[c.pk for c in conversations])
    ids = list(locked.order_by("pk").values_list("pk", flat=True))
    storage = clip_storage()
    clips = AudioClip.objects.filter(item__conversation__in=ids)
    for name in clips.values_list("file", flat=True):
        storage.delete(name)
    Conversation.objects.filter(pk__in=ids).delete()
    return len(ids)


def delete_conversations_of(users: Iterable[User]) -> int:
    """What must be done before `users` are deleted, which would otherwise leave their sound behind."""
    return delete_conversations(Conversation.objects.filter(user__in=users).only("pk"))
