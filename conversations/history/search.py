"""Find conversations by their words, in every script, with or without accents."""

import re
import unicodedata
from functools import reduce
from operator import and_, or_

from django.contrib.postgres.search import CombinedSearchQuery, SearchQuery
from django.db.models import Exists, Func, OuterRef, Q, QuerySet, TextField, Value

from accounts.models import User
from conversations.models import Conversation, Item

NEWEST = 1000
MOST_CHARS = 500  # of a query
Query = SearchQuery | CombinedSearchQuery

# Scripts whose words have no spaces between them, and Hangul: the same as in migration 0012, which stores each two
# neighbours as a word.
UNSPACED = (
    "\u0e01-\u0e4e\u0e81-\u0eff\u1000-\u1049\u1050-\u109f\u1780-\u17d3\u17db-\u17ff\u1950-\u19df\u1a20-\u1aaf\u3005-\u3007"
    "\u3040-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua48f\ua9e0-\ua9ff\uaa60-\uaadf\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003134f"
)
RUN = re.compile(rf"(-?)[{UNSPACED}]+")
NO_OPERATOR = re.compile(r'"|(?<=\S)-')  # a phrase cannot be kept where one of its words becomes several
OR = re.compile(r"\bor\b", re.IGNORECASE)


def find_conversations(conversations: QuerySet[Conversation], words: str) -> QuerySet[Conversation]:
    """Return those where an item has all the words, or where the title or the user's e-mail address contains the text.

    Of each of the three kinds it finds the newest thousand. In items, "quoted words" are a phrase, -word excludes, and
    `or` is understood.
    """
    words = words.replace("\0", "")
    kinds = [
        Q(Exists(Item.objects.filter(conversation=OuterRef("pk"), search_words=build_query(words)))),
        Q(title__icontains=words),
        Q(user__in=User.objects.filter(email__icontains=words).values("pk")),
    ]
    # A query for each, with an end to it, lets Postgres choose for each: the index on words for rare ones, the newest
    # conversations first for common ones. With a plain "or" it would gather every item with a common word.
    newest = [conversations.filter(kind).order_by("-updated_at").values("pk")[:NEWEST] for kind in kinds]
    return conversations.filter(pk__in=reduce(lambda found, more: found.union(more, all=True), newest))


def build_query(words: str) -> Query:
    """Return the query for `Item.search_words`.

    It is folded as the words are there, and each run of an unspaced script becomes its pairs of neighbours.
    """
    words = unicodedata.normalize("NFKC", words)[:MOST_CHARS]
    if not RUN.search(words):
        return _build_websearch(words)
    parts = [part for part in OR.split(NO_OPERATOR.sub(" ", words)) if part.strip()]
    return reduce(or_, map(_require_all, parts))


def _require_all(words: str) -> Query:
    """Return the query for text without `or`, of which every word must be there."""
    # The last letter of a run is stored alone, any other one begins a pair.
    singles: list[Query] = [
        SearchQuery(f"'{run[0][-1]}':*", config="simple", search_type="raw", invert=bool(run[1]))
        for run in RUN.finditer(words)
        if len(run[0]) == 1 + len(run[1])
    ]
    rest = RUN.sub(_join_pairs, words)
    return reduce(and_, [*([_build_websearch(rest)] if rest.strip() or not singles else []), *singles])


def _build_websearch(words: str) -> SearchQuery:
    """Return the query in the language of web searches, without case and accents."""
    folded = Func(Value(words), function="conversations_folded", output_field=TextField())
    return SearchQuery(folded, config="simple", search_type="websearch")


def _join_pairs(run: re.Match[str]) -> str:
    """Return all pairs of a run.

    Of a run that is excluded there is every second pair, as a phrase, since only a phrase can be excluded as a whole.
    """
    letters = run[0].removeprefix("-")
    if len(letters) == 1:
        return " "
    if run[1]:
        return f' -"{" ".join(letters[at : at + 2] for at in range(0, len(letters) - 1, 2))}" '
    return f" {' '.join(letters[at : at + 2] for at in range(len(letters) - 1))} "


def cut_snippet(text: str, words: str, most_chars: int) -> str:
    """Return at most `most_chars` characters of the text, around the first of the words that stands in it."""
    folded, places = _fold(text)
    wanted = [_fold(word)[0] for word in re.findall(r"\w+", words)]
    pairs = [word[at : at + 2] for word in wanted for at in range(len(word) - 1) if RUN.fullmatch(word)]
    found = next((at for one in (*wanted, *pairs) if one and (at := _find_word(folded, one)) >= 0), 0)
    start = max(0, (places[found] if places else 0) - most_chars // 3)
    if start:
        start = text.find(" ", start, start + most_chars // 4) + 1 or start
    end = start + most_chars
    if end < len(text):
        end = text.rfind(" ", start + most_chars // 2, end) + 1 or end
    return text[start:end]


def _find_word(folded: str, word: str) -> int:
    """Return where a whole word begins, or -1. In a script without spaces any place counts."""
    if RUN.fullmatch(word):
        return folded.find(word)
    found = re.search(rf"\b{re.escape(word)}\b", folded)
    return found.start() if found else -1


def _fold(text: str) -> tuple[str, list[int]]:
    """Return the text without case and accents, and the place in the text of each character of that."""
    letters = [
        (letter, place)
        for place, character in enumerate(text)
        for letter in unicodedata.normalize("NFKD", character).casefold()
        if not unicodedata.combining(letter) or "\u0900" <= letter < "\u1ab0"
    ]
    return "".join(letter for letter, _ in letters), [place for _, place in letters]
