"""Cuts a streamed reply into clauses, so that speech starts while the model still writes.

The first clause is short, since the user waits for it; later ones are whole sentences, which sound
better. Nothing is changed or lost: the clauses joined are the text.
"""

import re

CLOSERS = "\"'”’»)]*_`"
SENTENCE_END = re.compile(rf"(?:[.!?…]+[{re.escape(CLOSERS)}]*(?=\s)|[。！？]+[」』”]?|\n+)\s*")
PAUSE = re.compile(r"[,;:–—](?=\s)\s*|[、，；：]")
# A full stop after these does not end a sentence; nor after a single letter or a bare number ("1. First").
ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:[A-Za-z]|\d+|Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|approx|No|Nr|bzw|ca|usw|Sra?|Mme|p\.ex|e\.g|i\.e|z\.B|d\.h)\.$"
)
FIRST_MIN_CHARS = 14
LATER_MIN_CHARS = 40
MAX_CHARS = 240


class ClauseChunker:
    """`feed` with what came, `flush` at the end; each returns the clauses that are complete by then."""

    def __init__(self) -> None:
        self._text = ""
        self._is_first = True

    def feed(self, text: str) -> list[str]:
        self._text += text
        clauses = []
        while (end := self._end()) is not None:
            clauses.append(self._text[:end])
            self._text = self._text[end:]
            self._is_first = False
        return clauses

    def flush(self) -> list[str]:
        rest, self._text = self._text, ""
        return [rest] if rest else []

    def _end(self) -> int | None:
        """Where the first complete clause ends, or None while more text is needed to know."""
        least = FIRST_MIN_CHARS if self._is_first else LATER_MIN_CHARS
        ends = list(self._ends(SENTENCE_END))
        if self._is_first:
            ends = sorted(ends + list(self._ends(PAUSE)))
        for end in ends:
            # A match that reaches the end of the text may still grow ("?" then "!").
            if len(self._text[:end].strip()) >= least and end < len(self._text):
                return end
        return self._forced_end()

    def _ends(self, pattern: re.Pattern[str]) -> list[int]:
        found = pattern.finditer(self._text)
        return [m.end() for m in found if not ABBREVIATION.search(self._text[: m.end()].rstrip())]

    def _forced_end(self) -> int | None:
        if len(self._text) <= MAX_CHARS:
            return None
        pauses = [end for end in self._ends(PAUSE) if LATER_MIN_CHARS <= end <= MAX_CHARS]
        return pauses[-1] if pauses else self._text.rfind(" ", 0, MAX_CHARS) + 1 or MAX_CHARS
