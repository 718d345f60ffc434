"""Which words of a reply had been played when it was cut off."""

import re
from collections.abc import Sequence

WORD = re.compile(r"\S+\s*")


def heard_text(clauses: Sequence[tuple[str, int]], played_ms: int) -> str:
    """The words played within `played_ms`. Each clause is (text, length of its audio in ms).

    Inside a clause the words are taken to share its time by their length; a word counts once half
    of it was played, since a listener completes it.
    """
    heard = ""
    for text, audio_ms in clauses:
        if played_ms >= audio_ms:
            heard += text
            played_ms -= audio_ms
            continue
        return (heard + _first_words(text, played_ms / audio_ms)).rstrip()
    return heard


def _first_words(text: str, share: float) -> str:
    end = 0
    for word in WORD.finditer(text):
        if (word.start() + word.end()) / 2 > share * len(text):
            break
        end = word.end()
    return text[:end]
