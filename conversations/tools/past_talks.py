"""A tool that searches what the user and the assistants said in earlier conversations."""

import re
from datetime import date, datetime, time, timedelta
from functools import reduce
from operator import or_
from typing import Annotated

from django.db import OperationalError, connection, transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from psycopg.errors import QueryCanceled
from pydantic import Field

from conversations.history import summaries
from conversations.history.search import RUN, Query, build_query, cut_snippet
from conversations.models import Conversation, Item
from conversations.storage.store import CONTEXT_ITEMS
from conversations.tools.base import Context, ToolError

MOST_TALKS = 5
MOST_SNIPPETS = 2  # of each talk
SNIPPET_CHARS = 160
SHORT_WORD = 3  # characters; words up to this length, such as "the" and "and", would find everything
STATEMENT_TIMEOUT_MS = 4_000
SPEAKERS = {Item.Role.USER: "user", Item.Role.ASSISTANT: "assistant"}

Words = Annotated[
    str,
    Field(
        max_length=200,
        description="One to three telling words that were said, in the language of the talk. Empty: any talk.",
    ),
]
First = Annotated[date | None, Field(description="Only talks from this day on, such as 2026-11-25.")]
Last = Annotated[date | None, Field(description="Only talks up to this day.")]


def search_past_talks(context: Context, words: Words = "", first_day: First = None, last_day: Last = None) -> str:
    """Searches the user's own earlier conversations with this site: when they were, and what was said."""
    if first_day and last_day and last_day < first_day:
        raise ToolError("last_day is before first_day.")
    words = words.replace("\0", "").strip()
    try:
        with transaction.atomic():
            _limit_statements()
            return _search(context, words, _find_earlier_items(context, first_day, last_day))
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise ToolError("This search takes too long. Narrow it by days, or by a rarer word.") from None
        raise


def _limit_statements() -> None:
    """Limit the statements of this transaction, so that the thread ends soon after the tool's time limit."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(STATEMENT_TIMEOUT_MS)])


def _search(context: Context, words: str, said: QuerySet[Item]) -> str:
    for query in _build_queries(words):
        if talks := _find_talks(context.user_id, said, query):
            return "\n".join(_describe_talk(context, talk, said, query, words) for talk in talks)
    if not words:
        return "There is no earlier talk."
    return "No earlier talk has these words. Other words may find one."


def _find_earlier_items(context: Context, first_day: date | None, last_day: date | None) -> QuerySet[Item]:
    """Return the items of these days, without the latest of this conversation: the model has those."""
    running = Item.objects.filter(conversation__public_id=context.conversation_id)
    latest = running.aggregate(latest=Max("position"))["latest"] or 0
    seen = Q(conversation__public_id=context.conversation_id, position__gt=latest - CONTEXT_ITEMS)
    items = Item.objects.filter(role__in=SPEAKERS).exclude(text="").exclude(seen)
    if first_day:
        items = items.filter(created_at__gte=_find_midnight(context, first_day))
    if last_day:
        items = items.filter(created_at__lt=_find_midnight(context, last_day + timedelta(days=1)))
    return items


def _find_midnight(context: Context, day: date) -> datetime:
    return datetime.combine(day, time(), context.zone)


def _build_queries(words: str) -> list[Query | None]:
    """Return the queries to try in order: all of the words in one item, then any of them; [None] without words."""
    if not words:
        return [None]
    telling = [word for word in re.findall(r"\w+", words) if len(word) > SHORT_WORD or RUN.search(word)]
    if len(telling) < 2:
        return [build_query(words)]
    return [build_query(words), reduce(or_, map(build_query, telling))]


def _find_talks(user_id: int, said: QuerySet[Item], query: Query | None) -> list[Conversation]:
    hits = said.filter(conversation=OuterRef("pk"))
    if query is not None:
        hits = hits.filter(search_words=query)
    own = Conversation.objects.filter(Exists(hits), user=user_id)
    talks = list(own.order_by("-updated_at")[:MOST_TALKS])
    summaries.add_summaries(talks)
    return talks


def _describe_talk(context: Context, talk: Conversation, said: QuerySet[Item], query: Query | None, words: str) -> str:
    items = said.filter(conversation=talk).order_by("position")
    if query is not None:
        items = items.filter(search_words=query)
    shown = items.only("role", "text", "heard_text")[:MOST_SNIPPETS]
    quotes = [f"{SPEAKERS[Item.Role(item.role)]}: “{_build_quote(item, words)}”" for item in shown]
    began = talk.created_at.astimezone(context.zone)
    return f"{began:%A %Y-%m-%d %H:%M}, “{talk}”: {' '.join(quotes)}"


def _build_quote(item: Item, words: str) -> str:
    """Return a snippet around the words, from what was played to the user: the model's context holds no more either."""
    return " ".join(cut_snippet(item.played_text, words, SNIPPET_CHARS).split())
