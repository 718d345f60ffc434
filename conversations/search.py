"""Finding conversations by their words."""

from functools import reduce

from django.contrib.postgres.search import SearchQuery
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User
from conversations.models import Conversation, Item

NEWEST = 1000


def matching(conversations: QuerySet[Conversation], words: str) -> QuerySet[Conversation]:
    """Those where an item has all the words, or the title or the user's e-mail address contains them as they stand.

    Of each of the three kinds the newest thousand. In items, "quoted words" are a phrase, -word excludes, and `or`
    is understood.
    """
    query = SearchQuery(words, config="simple", search_type="websearch")
    kinds = [
        Q(Exists(Item.objects.filter(conversation=OuterRef("pk"), search=query))),
        Q(title__icontains=words),
        Q(user__in=User.objects.filter(email__icontains=words).values("pk")),
    ]
    # A query for each, with an end to it, lets Postgres choose for each: the index on words for rare ones, the newest
    # conversations first for common ones. With a plain "or" it would gather every item with a common word.
    newest = [conversations.filter(kind).order_by("-updated_at").values("pk")[:NEWEST] for kind in kinds]
    return conversations.filter(pk__in=reduce(lambda found, more: found.union(more, all=True), newest))
