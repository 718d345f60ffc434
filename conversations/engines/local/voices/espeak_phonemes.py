"""Phonemes from espeak-ng's library, for voices that were trained with them."""

import re
import unicodedata

from conversations.engines.demo.espeak import load_library

# espeak drops punctuation, which tells a voice where to pause and how to end.
CLAUSE = re.compile(r"([^,.;:!?…—¡¿]+)([,.;:!?…—¡¿]*)")
MARKS = {"…": ".", "—": ","}
LANGUAGE_SWITCH = re.compile(r"\([a-z-]{2,12}\)")  # “(en)” before a word that is said as in another language
LETTERS = re.compile(r"\b(?:[^\W\d_]\.){2,8}")  # “a.m.”, which is no end of a clause


def read_ipa(sentence: str, voice: str, tie: str = "") -> str:
    """Return the phonemes of a sentence in IPA, with its punctuation, for the voice of espeak-ng with that name.

    `tie` joins the letters of one phoneme. Raise UnknownVoiceError, and as `load_library` does.
    """
    library = load_library()
    parts = []
    for found in CLAUSE.finditer(LETTERS.sub(_spell, sentence)):
        phonemes = LANGUAGE_SWITCH.sub("", library.read_phonemes(found[1], voice, tie)).strip()
        mark = found[2][:1]
        parts.append(phonemes + MARKS.get(mark, mark) if phonemes else "")
    return unicodedata.normalize("NFD", " ".join(part for part in parts if part))


def _spell(found: re.Match[str]) -> str:
    """Return a word that espeak-ng spells, as it is in capitals. At the end the full stop stays."""
    is_last = not found.string[found.end() :].strip()
    return found[0].upper().replace(".", "") + ("." if is_last else "")
