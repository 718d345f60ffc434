"""Finding conversations by their words."""

from django.contrib.postgres.search import SearchQuery
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User
from conversations.models import Conversation, Item


def matching(conversations: QuerySet[Conversation], words: str) -> QuerySet[Conversation]:
    """Those where an item has all the words, or the title or the user's e-mail address contains them as they stand.

    In items, "quoted words" are a phrase, -word excludes, and `or` is understood. For rare words Postgres takes the
    index on them, for common ones it looks into the newest conversations first: both are quick at a million items.
    """
    query = SearchQuery(words, config="simple", search_type="websearch")
    said = Item.objects.filter(conversation=OuterRef("pk"), search=query)
    users = User.objects.filter(email__icontains=words).values("pk")
    return conversations.filter(Exists(said) | Q(title__icontains=words) | Q(user__in=users))
