"""Which words of a growing utterance are sure enough to be shown: those that two passes in a row agree on.

A pass over half a sentence guesses its last words, and the next pass hears them otherwise. What is shown stays: later
passes begin with it. (“Local agreement”, Liu, Spanakis and Niehues 2020, as in whisper-streaming.)
"""

from collections.abc import Sequence

import regex

# A word with the space before it, or a character of a script that has no spaces.
UNIT = regex.compile(r"\s*(?:[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]|"
                     r"[^\s\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]+)")  # fmt: skip
SIGNS = regex.compile(r"[^\p{L}\p{M}\p{N}]+")


class LocalAgreement:
    """The passes over one utterance."""

    def __init__(self) -> None:
        self.shown = ""  # the words that are sure, without the sign after the last one: that depends on what follows
        self._last: list[str] = []  # what the last pass found after them

    def add(self, text: str) -> bool:
        """Take what a pass over all of the utterance so far has found. Return whether more is shown now."""
        shown, found = UNIT.findall(self.shown), UNIT.findall(text.strip())
        known = count_agreement(shown, found)
        if known < len(shown):
            self._last = []
            return False
        rest = found[known:]
        agreed = count_agreement(self._last, rest)
        self._last = rest[agreed:]
        if agreed:
            self.shown = regex.sub(r"[^\p{L}\p{M}\p{N}]+$", "", "".join(found[: known + agreed]).strip())
        return bool(agreed)


def count_agreement(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many words are the same from the start, whatever their case and signs."""
    count = 0
    for first, second in zip(one, other, strict=False):
        if SIGNS.sub("", first).casefold() != SIGNS.sub("", second).casefold():
            break
        count += 1
    return count
