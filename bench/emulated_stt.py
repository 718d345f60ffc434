"""What the emulated speech to text hears: the words of the marks in the audio (see `marks`), nothing in noise."""

from collections import OrderedDict
from itertools import groupby

import numpy as np

from bench import marks
from bench.marks import Mark

KEPT = 512  # utterances, for those that come again and longer, as a stream does
ALMOST = 0.8  # of a word, and it is understood


class EmulatedStt:
    """Emulated speech to text that knows `texts` by their numbers.

    It is cheap for audio that has only grown since the last time.
    """

    def __init__(self, texts: list[str]) -> None:
        self._texts = texts
        self._known: OrderedDict[bytes, tuple[bytes, list[Mark]]] = OrderedDict()

    def hear(self, pcm: bytes, rate: int) -> str:
        """Return the words in all of an utterance's audio so far. `rate` does not matter, since marks count samples."""
        runs = groupby(self._read_marks(pcm), key=lambda mark: mark.text)
        heard = ((self._texts[text], [mark.chars for mark in run]) for text, run in runs)
        return " ".join(filter(None, (extract_words(text, chars[0], chars[-1]) for text, chars in heard)))

    def _read_marks(self, pcm: bytes) -> list[Mark]:
        start = pcm[:2_000]
        before, known = self._known.pop(start, (b"", []))
        if not pcm.startswith(before):
            before, known = b"", []
        # A mark cut off by the old end is read again; whole ones before it are not.
        samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], np.int16)
        new_from = max(0, len(before) // 2 - marks.MARK_BITS + 1)
        found = [*known, *marks.read_marks(samples[new_from:])]
        self._known[start] = (pcm, found)
        if len(self._known) > KEPT:
            self._known.popitem(last=False)
        return found


def extract_words(text: str, first: int, last: int) -> str:
    """Return the words of which most was said between the characters `first` and `last`."""
    heard, at = [], 0
    for word in text.split(" "):
        start, end = at, at + len(word)
        if min(last, end) - max(first, start) >= ALMOST * len(word):
            heard.append(word)
        at = end + 1
    return " ".join(heard)
