"""The table of one language's words, and how text is cut into the words that are compared with it."""

import re
import unicodedata
from dataclasses import dataclass

# Addresses and figures such as 10:30 or 3.50 are one word each.
TOKEN = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]+(?:\.[\w-]+)+|\d+(?:[.:,]\d+)+|[^\W_]+(?:'[^\W_]+)*")


def tokenize(text: str) -> list[str]:
    """Return the lower-case words of the text, without punctuation.

    A hyphen separates two words; an apostrophe does not ("I'd").
    """
    return TOKEN.findall(unicodedata.normalize("NFKC", text).lower().replace("’", "'"))


def split_words(text: str) -> frozenset[str]:
    """Return the words of a text, which spaces separate."""
    return frozenset(text.split())


def split_phrases(text: str) -> frozenset[str]:
    """Return the phrases of a text, which commas separate; the words of each are joined by one space."""
    return frozenset(" ".join(tokenize(phrase)) for phrase in text.split(",")) - {""}


@dataclass(frozen=True, kw_only=True)
class Language:
    """The words of one language by which the end of an utterance and a backchannel are recognised."""

    open: frozenset[str]  # more must follow, whatever mark the transcript has behind them: articles, conjunctions
    fillers: frozenset[str]  # sounds of somebody who is looking for a word
    asking_open: frozenset[str]  # more must follow, except in a question ("and then we", "where are they?")
    doubtful: frozenset[str]  # seldom the last word; a mark behind them makes it possible ("turn it on.")
    open_phrases: frozenset[str]  # several words that more must follow
    starters: frozenset[str]  # conjunctions that start a sentence of two clauses ("if I take the train tomorrow")
    telling: frozenset[str]  # verbs that a question word follows ("tell me when")
    asking: frozenset[str]  # question words
    joins: frozenset[str]  # before the last entry of a list
    answers: frozenset[str]  # complete in themselves
    backchannels: frozenset[str]  # what a listener says without wanting the turn
    commands: frozenset[str]  # what somebody says to be heard at once
    common: frozenset[str]  # further frequent words, to recognise the language by
    digits: frozenset[str]
    tens: frozenset[str]  # after which a unit may follow
    # More must follow, unless the sentence asks or says yes or no ("what is it for?", "yes, it is").
    stranded: frozenset[str] = frozenset()

    def has_word(self, token: str) -> bool:
        """Return whether the word is one by which this language is recognised."""
        return any(
            token in group
            for group in (self.open, self.asking_open, self.stranded, self.doubtful, self.asking, self.common)
        )
