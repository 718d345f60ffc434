"""Compare what was said with what was meant to be said, both in spoken form: “$5” and “five dollars” are the same."""

import re
from collections.abc import Iterator, Sequence

from conversations.engines.local.english.normalise import normalise
from conversations.engines.local.english.numbers import ONES, TENS

SAME = {"oh": "zero", "ok": "okay", "mr": "mister", "mrs": "missus", "ms": "miz", "dr": "doctor", "prof": "professor",
        "inc": "incorporated", "vs": "versus", "centimetres": "centimeters", "kilometres": "kilometers",
        "metres": "meters"}  # fmt: skip
SPELLED = re.compile(r"\b[a-z](?: [a-z]\b)+")
SMALL = {word: number for number, word in enumerate(ONES)} | {word: 10 * at for at, word in enumerate(TENS) if word}
LARGE = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}


def count_errors(meant: str, heard: str) -> tuple[int, int]:
    """Return how many words are wrong, missing or too many, and how many were meant."""
    wanted, found = split_words(meant), split_words(heard)
    return _measure_distance(wanted, found), len(wanted)


def split_words(text: str) -> list[str]:
    """Return the words of a text in spoken form, each figure of a number as one.

    “and” does not count, which people leave out of numbers. Letters that are named one by one are one word.
    """
    spoken = re.sub(r"[^\w\s]", " ", normalise(text).lower().replace("'", ""))
    words = SPELLED.sub(lambda found: found[0].replace(" ", ""), " ".join(w for w in spoken.split() if w != "and"))
    return list(_spell_numbers([SAME.get(word, word) for word in words.split()]))


def _spell_numbers(words: list[str]) -> Iterator[str]:
    """Yield the words, with numbers figure by figure: it is a matter of writing whether “1984” is one or two."""
    number: int | None = None
    last = 0  # the value of the number's last word
    for word in [*words, ""]:
        small, large = SMALL.get(word), LARGE.get(word)
        if number is not None and large and last < large:
            below = number % (large * 1_000) if large > 100 else number % 100
            number, last = number - below + below * large, large
        elif number is not None and small is not None and _joins(last, small):
            number, last = number + small, small
        else:
            if number is not None:
                yield from str(number)
            number, last = small, small or 0
            if small is None and word:
                yield word


def _joins(last: int, small: int) -> bool:
    """Return whether a number goes on: “twenty” with “one”, “hundred” with “five”, but not “nineteen” with “eighty”."""
    return (0 < small < 10 <= 20 <= last < 100 and last % 10 == 0) or (last >= 100 and small > 0)


def _measure_distance(wanted: Sequence[str], found: Sequence[str]) -> int:
    row = list(range(len(found) + 1))
    for at, word in enumerate(wanted, 1):
        before, row[0] = row[0], at
        for other_at, other in enumerate(found, 1):
            swapped = before + (word != other)
            before, row[other_at] = row[other_at], min(row[other_at] + 1, row[other_at - 1] + 1, swapped)
    return row[-1]
