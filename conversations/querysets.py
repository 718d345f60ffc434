"""Who may read what, and what a list of conversations shows of each."""

from typing import TYPE_CHECKING, Self

from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Left

from accounts.models import User

if TYPE_CHECKING:
    from conversations.models import Conversation, Item  # noqa: F401 (named in the base classes, as text)

FIRST_WORDS_LENGTH = 80


def may_review(user: User | AnonymousUser) -> bool:
    """Whether this is one of the staff who may read everybody's conversations."""
    return user.is_staff and user.has_perm("conversations.view_conversation")


class ConversationQuerySet(QuerySet["Conversation"]):
    def readable_by(self, user: User | AnonymousUser) -> Self:
        return self if may_review(user) else self.filter(user=user.pk)

    def with_summary(self) -> Self:
        """Adds what a list shows: `first_words` (str or None) and `audio_ms` (int or None)."""
        items = apps.get_model("conversations", "Item").objects.filter(conversation=OuterRef("pk"))
        spoken_first = items.filter(role="user").exclude(text="").order_by("position")
        total = items.order_by().values("conversation").annotate(total=Sum("audio_ms"))
        return self.annotate(
            first_words=Subquery(spoken_first.values(words=Left("text", FIRST_WORDS_LENGTH + 1))[:1]),
            audio_ms=Subquery(total.values("total")),
        )


class ItemQuerySet(QuerySet["Item"]):
    def as_dialogue(self) -> Self:
        """In order, with the facts of each clip but without its sound."""
        return self.defer("search").select_related("clip").order_by("position")
