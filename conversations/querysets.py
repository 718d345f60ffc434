"""Who may read what."""

from typing import TYPE_CHECKING, Self

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from accounts.models import User

if TYPE_CHECKING:
    from conversations.models import Assistant, Conversation, Item  # noqa: F401 (named in the base classes, as text)


def may_review(user: User | AnonymousUser) -> bool:
    """Whether this is one of the staff who may read everybody's conversations."""
    return user.is_staff and user.has_perm("conversations.view_conversation")


class AssistantQuerySet(QuerySet["Assistant"]):
    def offered_to(self, user_id: int) -> Self:
        """The site's and the user's own."""
        return self.filter(Q(owner=None) | Q(owner=user_id))


class ConversationQuerySet(QuerySet["Conversation"]):
    def readable_by(self, user: User | AnonymousUser) -> Self:
        return self.owned() if may_review(user) else self.filter(user=user.pk)

    def owned(self) -> Self:
        """Without those that are being deleted."""
        return self.filter(user__isnull=False)


class ItemQuerySet(QuerySet["Item"]):
    def as_dialogue(self) -> Self:
        """In order, with the facts of each clip but without its sound."""
        return self.defer("search_words").select_related("clip").order_by("position")
