"""Cuts a streamed reply into clauses, so that speech starts while the model still writes.

The first clause is short, since the user waits for it; later ones are whole sentences, which sound
better. Nothing is changed or lost: the clauses joined are the text.
"""

import re

CLOSERS = "\"'”’»)]*_`"
SENTENCE_END = re.compile(rf"(?:(?<![.!?…])[.!?…]+[{re.escape(CLOSERS)}]*(?=\s)|[。！？]+[」』”]?|\n+)\s*")
PAUSE = re.compile(r"[,;:–—](?=\s)\s*|[、，；：]")
# A full stop after these does not end a sentence; nor after a single letter or a bare number ("1. First").
ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:[A-Za-z]|\d+|Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|approx|No|Nr|bzw|ca|usw|Sra?|Mme|p\.ex|e\.g|i\.e|z\.B|d\.h)\.$"
)
FIRST_MIN_CHARS = 14
LATER_MIN_CHARS = 40
MAX_CHARS = 240


class ClauseChunker:
    """`feed` with what came, `flush` at the end; each returns the clauses that are complete by then.

    It looks no further than MAX_CHARS ahead: a reply may come in one piece, and the work must not grow with its square.
    """

    def __init__(self) -> None:
        self._text = ""
        self._is_first = True

    def feed(self, text: str) -> list[str]:
        self._text += text
        clauses, start = [], 0
        while (length := self._length(self._text[start : start + MAX_CHARS + 1])) is not None:
            clauses.append(self._text[start : start + length])
            start += length
            self._is_first = False
        self._text = self._text[start:]
        return clauses

    def flush(self) -> list[str]:
        rest, self._text = self._text, ""
        return [rest] if rest else []

    def _length(self, ahead: str) -> int | None:
        """How long the first complete clause is, or None while more text is needed to know."""
        least = FIRST_MIN_CHARS if self._is_first else LATER_MIN_CHARS
        ends = _ends(SENTENCE_END, ahead)
        if self._is_first:
            ends = sorted(ends + _ends(PAUSE, ahead))
        for end in ends:
            # A match that reaches the end of the text may still grow ("?" then "!").
            if len(ahead[:end].strip()) >= least and end < len(ahead):
                return end
        return _forced_length(ahead) if len(ahead) > MAX_CHARS else None


def _ends(pattern: re.Pattern[str], text: str) -> list[int]:
    return [m.end() for m in pattern.finditer(text) if not ABBREVIATION.search(text[: m.end()].rstrip())]


def _forced_length(text: str) -> int:
    pauses = [end for end in _ends(PAUSE, text) if LATER_MIN_CHARS <= end <= MAX_CHARS]
    return pauses[-1] if pauses else text.rfind(" ", 0, MAX_CHARS) + 1 or MAX_CHARS
