"""Leases: at most one session holds a conversation at a time, for as long as it renews its lease.

`holder` is a session's own random id. It stays when the session has ended, and so fences off late writes of a session
whose conversation another one has held since. All times are the database's, so that no clocks need to agree.
"""

from collections.abc import Collection
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import User
from conversations.models import Assistant, Conversation, Item

RENEW_SEC = 10.0
LEASE = timedelta(seconds=30)
# How long after its end a lease counts as lapsed: a session whose database was away can still renew it.
PATIENCE = timedelta(seconds=10)
SWEPT_AT_ONCE = 500
# No lease is that long: the database's clock was set back since. Whoever lives renews it with the new time.
IMPOSSIBLE = Q(held_until__gt=Now() + 2 * LEASE)
FREE = Q(held_until=None) | Q(held_until__lt=Now()) | IMPOSSIBLE


class ConversationDeletedError(Exception):
    """The conversation was deleted, so nothing can be stored in it."""

    code = "conversation_deleted"

    def __init__(self) -> None:
        super().__init__("The conversation was deleted.")


class TakenOverError(Exception):
    """Another session holds the conversation now."""

    code = "conversation_taken_over"

    def __init__(self) -> None:
        super().__init__("The conversation continues in another connection, which took it over from this one.")


def begin_conversation(user: User, assistant: Assistant, holder: str) -> Conversation:
    """Create a conversation, held by `holder`."""
    live = {"status": Conversation.Status.LIVE, "held_until": Now() + LEASE, "goes_if_empty": True}
    return Conversation.objects.create(user=user, assistant=assistant, holder=holder, **live)


def take(pk: int, holder: str, *, by_force: bool = False, assistant: Assistant | None = None) -> bool:
    """Take hold of a conversation, and return False if another session holds it.

    `by_force` allows it in any case to the holder that claimed the conversation last.
    """
    allowed = FREE | Q(holder=holder) | (Q(claimed_by=holder) if by_force else Q())
    changes = {"assistant": assistant} if assistant else {}
    taken = Conversation.objects.filter(allowed, pk=pk).update(
        holder=holder, claimed_by="", held_until=Now() + LEASE, status=Conversation.Status.LIVE, **changes
    )
    return bool(taken)


def claim(pk: int, holder: str) -> None:
    """Ask the session that holds the conversation to hand it over. Raise ConversationDeletedError."""
    if not Conversation.objects.owned().filter(pk=pk).update(claimed_by=holder):
        raise ConversationDeletedError


def is_live(user_id: int, public_id: str) -> bool:
    """Return whether a session holds this conversation of this user, in whatever process."""
    live = Conversation.objects.filter(user_id=user_id, public_id=public_id, held_until__gte=Now())
    return live.exists()


def find_lost(held: Collection[tuple[int, str]]) -> set[str]:
    """Return which holders must stop, since another session came. `held` are pairs of conversation pk and holder.

    A holder whose conversation was deleted learns that at its next write.
    """
    rows = Conversation.objects.filter(pk__in=[pk for pk, _ in held]).values_list("pk", "holder", "claimed_by")
    now = {pk: (holder, claimed_by) for pk, holder, claimed_by in rows}
    return {holder for pk, holder in held if now.get(pk, (holder, "")) != (holder, "")}


def renew(held: Collection[tuple[int, str]]) -> None:
    """Renew the leases of these pairs of conversation pk and holder."""
    pks, holders = [pk for pk, _ in held], [holder for _, holder in held]
    mine = Conversation.objects.filter(pk__in=pks, holder__in=holders)
    mine.update(held_until=Now() + LEASE, status=Conversation.Status.LIVE)


def end(pk: int, holder: str) -> None:
    """End the hold of a conversation: hand it to a session that claimed it, or close it; delete it if it is empty."""
    _end(pk, holder, Conversation.Status.ENDED)


def break_off(pk: int, holder: str) -> None:
    """Do the same for a session whose process is known to be gone, without waiting for its lease to lapse."""
    _end(pk, holder, Conversation.Status.BROKE_OFF)


@transaction.atomic
def _end(pk: int, holder: str, status: Conversation.Status) -> None:
    row = Conversation.objects.select_for_update().filter(pk=pk, holder=holder).first()
    if row is None:
        return
    if row.claimed_by:
        Conversation.objects.filter(pk=pk).update(holder=row.claimed_by, claimed_by="", held_until=Now() + LEASE)
    elif row.user_id is not None and row.goes_if_empty and not row.item_count and not row.items.exists():
        row.delete()
        return
    else:
        Conversation.objects.filter(pk=pk).update(status=status, held_until=None)
    close_unfinished([pk])


@transaction.atomic
def end_lapsed() -> int:
    """Close the conversations whose holders are gone (a killed process, say), and return how many those were."""
    lapsed = Conversation.objects.filter(
        Q(held_until=None) | Q(held_until__lt=Now() - PATIENCE) | IMPOSSIBLE, status=Conversation.Status.LIVE
    )
    return _break_off(list(lapsed.select_for_update(skip_locked=True).values_list("pk", flat=True)[:SWEPT_AT_ONCE]))


@transaction.atomic
def break_off_all(prefix: str) -> int:
    """Close the conversations of holders whose ids begin so: their process is gone. Return how many those were.

    Those in which nothing is stored yet are left to their leases: their users may be about to come back.
    """
    held = Conversation.objects.filter(holder__startswith=prefix, status=Conversation.Status.LIVE, item_count__gt=0)
    return _break_off(list(held.select_for_update(skip_locked=True).values_list("pk", flat=True)))


def _break_off(pks: list[int]) -> int:
    """Close these conversations, which the caller has locked. Those that are empty go."""
    if pks:
        close_unfinished(pks)
        Conversation.objects.filter(pk__in=pks).update(status=Conversation.Status.BROKE_OFF, held_until=None)
        Conversation.objects.owned().filter(pk__in=pks, goes_if_empty=True, item_count=0, items=None).delete()
    return len(pks)


def close_unfinished(pks: Collection[int]) -> None:
    """Mark the items in progress of ended sessions as incomplete: nobody will finish them."""
    unfinished = Item.objects.filter(conversation__in=pks, status=Item.Status.IN_PROGRESS)
    unfinished.update(status=Item.Status.INCOMPLETE)
