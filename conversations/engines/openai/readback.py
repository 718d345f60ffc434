"""Check whether a model that was asked to read a text aloud does so: compare its transcript with the text by words.

It tolerates the same thing written differently: case, punctuation, compounds, figures and symbols as words, common
abbreviations, other spellings. It does not tolerate words that are left out, added or replaced, beyond one in eight:
those are an answer, a translation or a comment instead of a reading. This module is pure.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from conversations.engines.openai.realtime_stt_pieces import is_unspaced

FIGURE = r"[$€£¥#]?\d[\d.,:/]*(?:\s?[%€$£¥°])?"
# A web or mail address, “z.B.”, “and/or”: said in one way or another.
JOINED = r"[^\W_]+(?:[.@/][^\W_]+)+"
WORD = re.compile(rf"{FIGURE}(?!\w)|{JOINED}|{FIGURE}|[^\W\d_]+(?:['’][^\W\d_]+)*|[%&+=@°§]")
JOINT = re.compile(r"\w[.@/]\w")
WORDS_PER_STRAY = 8  # one word in so many may differ
ALIKE = 0.7  # least similarity of two spellings of a word
ALIKE_JOINED = 0.5  # and of joined words: the dots of “www.a.uk” are spoken as words
ABBREVIATION_CHARS = 5
YEAR_DIGITS = 4
WORDS_PER_DIGIT = 2  # “97” is four words in French, “20” one
WORDS_BESIDE = 2  # “half past”, “per cent”
# The transcript is compared again with each piece, so its length is bounded, generously for figures in words.
MOST_TIMES, MOST_BESIDE = 3, 200  # characters of transcript: so many times those of the text, and so many more


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the text or of the transcript."""

    folded: str  # in lower case, without punctuation
    end: int  # its end in the text
    is_figure: bool  # a figure, or something else that is not spoken as it is written


def split_words(text: str) -> list[Word]:
    """Return the words of a text. In scripts without spaces each character counts as a word."""
    found: list[Word] = []
    for match in WORD.finditer(text):
        if any(map(is_unspaced, match[0])):
            places = range(match.start(), match.end())
            found += [Word(_fold(text[place]), place + 1, not text[place].isalpha()) for place in places]
        else:
            folded = _fold(match[0])
            found.append(Word(folded, match.end(), not folded.isalpha() or bool(JOINT.search(match[0]))))
    return [word for word in found if word.folded]


def _fold(text: str) -> str:
    return "".join(filter(_is_significant, unicodedata.normalize("NFKC", text).casefold()))


def _is_significant(character: str) -> bool:
    return character.isalnum() or character in "%&+=@°§€$£¥"


class Readback:
    """Compares one reading with its text; give it the transcript as it comes."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._asked = split_words(text)
        self._said = ""
        self._is_endless = False

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to read in the text."""
        return not self._asked

    def add_transcript(self, words: str) -> None:
        """Add the next words of the transcript."""
        self.replace_transcript(self._said + words)

    def replace_transcript(self, words: str) -> None:
        """Set the whole transcript."""
        most = MOST_TIMES * len(self._text) + MOST_BESIDE
        self._said, self._is_endless = words[:most], len(words) > most

    def has_words(self, count: int) -> bool:
        """Return whether the transcript has `count` words, or nearly as many as the text; they may still be wrong."""
        return len(self._complete_words(is_over=False)) >= min(count, len(self._asked) - 1)

    def is_faithful(self, *, is_over: bool = False) -> bool:
        """Return whether the transcript is the beginning of the text. A last word that may go on is left out."""
        if self._is_endless:
            return False
        said = self._complete_words(is_over)
        strays = sum(_count_strays(asked, spoken, is_tail) for asked, spoken, is_tail in self._find_differences(said))
        return strays <= len(said) // WORDS_PER_STRAY

    @property
    def unread(self) -> str:
        """The text after the last word that was read; "" if all was read."""
        said = self._complete_words(is_over=True)
        kind, start, read, first, last = self._match(said)[-1]
        if kind == "replace":
            read = start + _count_words_read(self._asked[start:read], said[first:last])
        rest = self._asked[read:]
        if said and all(word.is_figure for word in rest):
            return ""
        return self._text[self._asked[read - 1].end if read else 0 :]

    def _complete_words(self, is_over: bool) -> list[Word]:
        said = split_words(self._said)
        goes_on = bool(said) and not is_over and said[-1].end == len(self._said)
        return said[:-1] if goes_on and not is_unspaced(self._said[-1]) else said

    def _match(self, said: list[Word]) -> Sequence[tuple[str, int, int, int, int]]:
        """Return difflib's opcodes without the part that is not read yet; there is at least one."""
        asked, spoken = [word.folded for word in self._asked], [word.folded for word in said]
        codes = SequenceMatcher(None, asked, spoken, autojunk=False).get_opcodes()
        if codes and codes[-1][0] == "delete":
            codes.pop()
        return codes or [("equal", 0, 0, 0, 0)]

    def _find_differences(self, said: list[Word]) -> list[tuple[list[Word], list[Word], bool]]:
        codes = self._match(said)
        return [
            (self._asked[a:b], said[c:d], code is codes[-1])
            for code in codes
            for kind, a, b, c, d in [code]
            if kind != "equal"
        ]


def _count_strays(asked: list[Word], said: list[Word], is_tail: bool) -> int:
    """Return how many words differ. If it `is_tail`, the rest of the asked words may still come."""
    if is_tail and said and asked:
        return min(_count_strays(asked[:count], said, False) for count in range(1, len(asked) + 1))
    if not said:
        return sum(not word.is_figure for word in asked)
    wanted, spoken = ("".join(word.folded for word in words) for words in (asked, said))
    if any(word.is_figure for word in asked + said) and asked:
        return 0 if _has_same_figures(asked, said) else max(len(asked), len(said))
    if _is_like(wanted, spoken, ALIKE) or _is_abbreviated(wanted, spoken):
        return 0
    return max(len(asked), len(said))


def _count_words_read(asked: list[Word], said: list[Word]) -> int:
    """Return how many of the asked words the said ones stand for."""
    spoken = "".join(word.folded for word in said)
    if digits := sum(map(str.isdigit, spoken)):
        return min(len(asked), digits)  # “3:30” is three words, or less

    def fit(count: int) -> tuple[int, float]:
        wanted = "".join(word.folded for word in asked[:count])
        return -_count_strays(asked[:count], said, False), SequenceMatcher(None, wanted, spoken, autojunk=False).ratio()

    return max(range(1, len(asked) + 1), key=fit)


def _has_same_figures(asked: list[Word], said: list[Word]) -> bool:
    """Return whether both sides have the same digits, digits and a fitting number of words, or the same letters."""
    digits = ["".join(filter(str.isdigit, "".join(word.folded for word in words))) for words in (asked, said)]
    if all(digits):
        fewer, more = sorted(digits, key=len)
        return fewer == more or (fewer in more and len(fewer) >= YEAR_DIGITS)  # of a date the rest may be in words
    wanted, spoken = ("".join(word.folded for word in words) for words in (asked, said))
    if (
        not any(digits) and len(wanted) > ABBREVIATION_CHARS
    ):  # an address, “either/or”; of its words some may be to come
        return _is_like(wanted[: len(spoken)], spoken, ALIKE_JOINED)
    most = WORDS_PER_DIGIT * len(digits[0] + digits[1]) + min(len(asked), len(said)) + WORDS_BESIDE
    return max(len(asked), len(said)) <= most


def _is_like(wanted: str, spoken: str, least: float) -> bool:
    """Return whether two words are at least so similar. difflib's cheap upper bounds are tried first."""
    matcher = SequenceMatcher(None, wanted, spoken, autojunk=False)
    ratios = (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio)
    return all(ratio() >= least for ratio in ratios)


def _is_abbreviated(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    if not short or len(short) > ABBREVIATION_CHARS or short[0] != long[0]:
        return False
    letters = iter(long)
    return all(letter in letters for letter in short)
