"""What a list shows of a conversation beyond its own row."""

from collections.abc import Iterable

from django.db.models import OuterRef, Subquery, Sum
from django.db.models.functions import Left

from conversations.models import FIRST_WORDS_LENGTH, Conversation, Item


def add_summaries(conversations: Iterable[Conversation]) -> None:
    """Fill in `first_words` and `audio_ms` of each conversation, with one query for all.

    Call it when the page is chosen: as part of a list's query it would be worked out for all earlier pages too.
    """
    items = Item.objects.filter(conversation=OuterRef("pk")).order_by("position")
    said = items.filter(role=Item.Role.USER).exclude(text="").values(words=Left("text", FIRST_WORDS_LENGTH + 1))
    total = items.order_by().values("conversation").annotate(total=Sum("audio_ms"))
    by_pk = {conversation.pk: conversation for conversation in conversations}
    rows = Conversation.objects.filter(pk__in=by_pk).annotate(words=Subquery(said[:1]), ms=total.values("total"))
    for pk, words, ms in rows.values_list("pk", "words", "ms"):
        by_pk[pk].first_words, by_pk[pk].audio_ms = words or "", ms or 0
