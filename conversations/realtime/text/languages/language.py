"""The shape of a language's table, and how text is cut into the words it is compared with."""

import re
import unicodedata
from dataclasses import dataclass

# Addresses and figures such as 10:30 or 3.50 are one word each.
TOKEN = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]+(?:\.[\w-]+)+|\d+(?:[.:,]\d+)+|[^\W_]+(?:'[^\W_]+)*")


def tokenize(text: str) -> list[str]:
    """Lower-case words without punctuation; hyphens part words, apostrophes do not ("I'd", "peut", "être")."""
    return TOKEN.findall(unicodedata.normalize("NFKC", text).lower().replace("’", "'"))


def split_words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def split_phrases(text: str) -> frozenset[str]:
    """Comma-separated phrases, each as its words joined by one space."""
    return frozenset(" ".join(tokenize(phrase)) for phrase in text.split(",")) - {""}


@dataclass(frozen=True, kw_only=True)
class Language:
    """`open`: words after which more must come, whatever mark the transcript puts behind them (articles, conjunctions).
    `asking_open`: the same in a statement, yet a question may end so ("and then we", "where are they?").
    `stranded`: the same, unless the sentence asks or says yes or no ("what is it for?", "yes, it is").
    `doubtful`: words that seldom end a sentence; a mark behind them makes it possible ("turn it on.").
    `fillers`: sounds of somebody who is looking for a word.
    `open_phrases`: the same as `open` for several words at the end.
    `starters`: conjunctions that start a sentence of two clauses ("if I take the train tomorrow").
    `telling`: verbs that a question follows ("tell me when").
    `asking`: question words. `joins`: what stands before the last entry of a list.
    `answers`: what is complete by itself. `nods`: what a listener says without wanting the turn.
    `commands`: what a speaker says to be heard at once. `common`: further frequent words, to tell the language by.
    `digits`, `tens`: number words; after a ten a unit may follow.
    """

    open: frozenset[str]
    fillers: frozenset[str]
    asking_open: frozenset[str]
    doubtful: frozenset[str]
    open_phrases: frozenset[str]
    starters: frozenset[str]
    telling: frozenset[str]
    asking: frozenset[str]
    joins: frozenset[str]
    answers: frozenset[str]
    nods: frozenset[str]
    commands: frozenset[str]
    common: frozenset[str]
    digits: frozenset[str]
    tens: frozenset[str]
    stranded: frozenset[str] = frozenset()

    def has_word(self, token: str) -> bool:
        return any(
            token in group
            for group in (self.open, self.asking_open, self.stranded, self.doubtful, self.asking, self.common)
        )
