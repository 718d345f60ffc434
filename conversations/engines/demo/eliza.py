"""ELIZA, after Weizenbaum (1966): it finds the strongest phrase, turns it around, and remembers the rest.

It is pure: its state follows from what the user said, so a stored conversation goes on where it stopped.
"""

import re
from collections import Counter, deque
from collections.abc import Iterable

from conversations.engines.demo.eliza_script import (
    CONTRACTIONS,
    FALLBACKS,
    GREETING,
    RECOLLECTIONS,
    REFLECTIONS,
    REMEMBERED,
    RULES,
    SILENCE,
)

_REFLECTED = re.compile(r"\b(" + "|".join(sorted(REFLECTIONS, key=len, reverse=True)) + r")\b")
_MEMORIES = 8
_MOST_CHARS = 2_000  # of an utterance; the rest is ignored


def find_reply(said: Iterable[str]) -> str:
    """Return the reply to the last of the user's utterances, given all of them in order."""
    eliza, reply = Eliza(), GREETING
    for utterance in said:
        reply = eliza.answer(utterance)
    return reply


class Eliza:
    """One conversation."""

    def __init__(self) -> None:
        self._used: Counter[tuple[str, ...]] = Counter()
        self._memory: deque[str] = deque(maxlen=_MEMORIES)

    def answer(self, utterance: str) -> str:
        """Return the reply to the next utterance."""
        parts = re.split(r"[.,;:!?]|\bbut\b", utterance[:_MOST_CHARS].lower())
        clauses = [words for part in parts if (words := _expand_contractions(part))]
        if not clauses:
            return SILENCE
        matches = [(rule, match) for words in clauses for rule in RULES if (match := rule.pattern.search(words))]
        if not matches:
            return self._recollect() or self._take_answer(FALLBACKS)
        rule, match = max(matches, key=lambda found: found[0].rank)
        self._remember(clauses)
        return self._take_answer(rule.answers).format(*(reflect(group or "") for group in match.groups()))

    def _remember(self, clauses: list[str]) -> None:
        for words in clauses:
            found = REMEMBERED.search(words)
            if found and found[1] not in self._memory:
                self._memory.append(found[1])

    def _recollect(self) -> str:
        return self._take_answer(RECOLLECTIONS).format(self._memory.popleft()) if self._memory else ""

    def _take_answer(self, answers: tuple[str, ...]) -> str:
        self._used[answers] += 1
        return answers[(self._used[answers] - 1) % len(answers)]


def reflect(phrase: str) -> str:
    """Return a phrase from the other side: “my dog loves you” becomes “your dog loves me”."""
    phrase = re.sub(r"^you (?!to\b|are\b|were\b)", "I ", phrase)
    return _REFLECTED.sub(lambda found: REFLECTIONS[found[1]], phrase)


def _expand_contractions(words: str) -> str:
    plain = re.findall(r"[^\W_]+(?:['’][^\W_]+)*", words)
    return " ".join(CONTRACTIONS.get(word, word) for word in (word.replace("’", "'") for word in plain))
