"""Finding conversations by their words, in every script, with or without accents."""

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


def matching(conversations: QuerySet[Conversation], words: str) -> QuerySet[Conversation]:
    """Those where an item has all the words, or the title or the user's e-mail address contains them as they stand.

    Of each of the three kinds the newest thousand. In items, "quoted words" are a phrase, -word excludes, and `or`
    is understood.
    """
    words = words.replace("\0", "")
    kinds = [
        Q(Exists(Item.objects.filter(conversation=OuterRef("pk"), search_words=query_of(words)))),
        Q(title__icontains=words),
        Q(user__in=User.objects.filter(email__icontains=words).values("pk")),
    ]
    # A query for each, with an end to it, lets Postgres choose for each: the index on words for rare ones, the newest
    # conversations first for common ones. With a plain "or" it would gather every item with a common word.
    newest = [conversations.filter(kind).order_by("-updated_at").values("pk")[:NEWEST] for kind in kinds]
    return conversations.filter(pk__in=reduce(lambda found, more: found.union(more, all=True), newest))


def query_of(words: str) -> Query:
    """What is looked for in `Item.search_words`: folded as it is there, each run of an unspaced script as its pairs."""
    words = unicodedata.normalize("NFKC", words)[:MOST_CHARS]
    if not RUN.search(words):
        return _websearch(words)
    parts = [part for part in OR.split(NO_OPERATOR.sub(" ", words)) if part.strip()]
    return reduce(or_, map(_all_of, parts))


def _all_of(words: str) -> Query:
    # The last letter of a run is stored alone, any other one begins a pair.
    singles: list[Query] = [
        SearchQuery(f"'{run[0][-1]}':*", config="simple", search_type="raw", invert=bool(run[1]))
        for run in RUN.finditer(words)
        if len(run[0]) == 1 + len(run[1])
    ]
    rest = RUN.sub(_pairs, words)
    return reduce(and_, [*([_websearch(rest)] if rest.strip() or not singles else []), *singles])


def _websearch(words: str) -> SearchQuery:
    folded = Func(Value(words), function="conversations_folded", output_field=TextField())
    return SearchQuery(folded, config="simple", search_type="websearch")


def _pairs(run: re.Match[str]) -> str:
    """All of its pairs; of one that is excluded those that stand beside each other, since only a phrase can be."""
    letters = run[0].removeprefix("-")
    if len(letters) == 1:
        return " "
    if run[1]:
        return f' -"{" ".join(letters[at : at + 2] for at in range(0, len(letters) - 1, 2))}" '
    return f" {' '.join(letters[at : at + 2] for at in range(len(letters) - 1))} "


def snippet(text: str, words: str, most_chars: int) -> str:
    """A stretch of the text around the first of the words that stands in it."""
    folded, places = _folded(text)
    wanted = [_folded(word)[0] for word in re.findall(r"\w+", words)]
    pairs = [word[at : at + 2] for word in wanted for at in range(len(word) - 1) if RUN.fullmatch(word)]
    found = next((at for one in (*wanted, *pairs) if one and (at := _place(folded, one)) >= 0), 0)
    start = max(0, (places[found] if places else 0) - most_chars // 3)
    if start:
        start = text.find(" ", start, start + most_chars // 4) + 1 or start
    end = start + most_chars
    if end < len(text):
        end = text.rfind(" ", start + most_chars // 2, end) + 1 or end
    return text[start:end]


def _place(folded: str, word: str) -> int:
    """Of a whole word; in a script without spaces of any."""
    if RUN.fullmatch(word):
        return folded.find(word)
    found = re.search(rf"\b{re.escape(word)}\b", folded)
    return found.start() if found else -1


def _folded(text: str) -> tuple[str, list[int]]:
    """The text without case and accents, and where each character of that stands in it."""
    letters = [
        (letter, place)
        for place, character in enumerate(text)
        for letter in unicodedata.normalize("NFKD", character).casefold()
        if not unicodedata.combining(letter) or "\u0900" <= letter < "\u1ab0"
    ]
    return "".join(letter for letter, _ in letters), [place for _, place in letters]
