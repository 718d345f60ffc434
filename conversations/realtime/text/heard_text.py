"""Estimate which words of a reply had been played when it was cut off.

The words of a clause share the time of its audio by how long they take to say, measured in letters of English: numbers
and symbols are read as words, abbreviations are spoken in full, and punctuation makes a pause.
`static/js/reducer/speech_units.js` estimates the same way, so that what the page shows and what is stored agree;
`tests/support/spoken_units.json` holds both to it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Scripts without spaces are cut between characters, with their marks: kana and Han, Thai, Lao, Burmese, Khmer.
HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
UNSPACED = rf"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff{HAN}"
MARKS = "\u0e30-\u0e3a\u0e45-\u0e4e\u0eb0-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u17b4-\u17d3\u3099\u309a\u30fc"
LEADING = "\u0e40-\u0e44\u0ec0-\u0ec4"  # Thai and Lao vowels that are written before their consonant
STOPS = "、。，．！？：；）」』】》〉”’…"
UNIT = re.compile(rf"\s*(?:[{LEADING}]*[{UNSPACED}][{MARKS}]*[{STOPS}]*|[^\s{UNSPACED}]{{1,100}})")

ABBREVIATIONS = {
    "mr.": 6, "mrs.": 6, "ms.": 4, "dr.": 6, "prof.": 9, "st.": 6, "vs.": 6, "etc.": 9, "e.g.": 10, "i.e.": 6,
    "approx.": 13, "no.": 6, "nr.": 6, "bzw.": 16, "usw.": 14, "ca.": 5, "d.h.": 9, "z.b.": 12, "sr.": 5, "sra.": 6,
    "mme.": 6, "p.ex.": 10, "ecc.": 9, "bijv.": 12, "enz.": 10,
}  # fmt: skip
SYMBOLS = {"%": 7, "€": 4, "$": 6, "£": 5, "&": 3, "+": 4, "=": 6, "@": 2, "°": 6, "§": 7}
DIGIT = 4  # “1998” is nineteen ninety-eight
POINT = 5  # amid figures: 3.5, 10:30
WIDE = 3  # a Chinese character or a Korean syllable
KANA = 2
ACRONYM = 3  # a letter that is spelled: USA
STOP, PAUSE = 6, 3  # after a sentence, after a comma
TAIL_CHARS = 12
FINAL_PAUSE = 2  # engines trim the silence that ends what they were given
# Characters. Ours are a tenth of it; a longer one is a whole reply of a provider, whose letters share its time alike.
CLAUSE_MAX_CHARS = 2_000

KANA_LETTER = re.compile("[\u3040-\u30ff]")
WIDE_LETTER = re.compile(rf"[\uac00-\ud7af{HAN}]")
SPELLED = re.compile(r"[^A-Za-z0-9]*[A-Z]{2,5}[^A-Za-z]*")
MARK_IN_NUMBER = re.compile(r"[0-9][.,:/](?=[0-9])")
# Neither are marks of a source, tags and formulas: what of them looks like words takes no time.
UNHEARD = re.compile(
    r"\[\^?[0-9]{1,3}(?:[,–-] ?[0-9]{1,3}){0,9}\](?:\([^()\s]{0,400}\))?|【[^【】]{0,99}†[^【】]{0,99}】"
    r"|</?[a-zA-Z][^<>]{0,200}>|\$\$(?=[^$]{0,200}[\\^_{}])[^$]{0,400}\$\$"
    r"|\\\((?=[^)]{0,100}[\\^_{}])(?:[^\\]|\\(?!\))){0,100}\\\)"
)
WORDLIKE = re.compile(r"[^\s·]")
LINK = re.compile(r"\]\(.*|https?://([^/\s]+)\S*")  # not read aloud, as speech_text.py has it
STOPPING = re.compile(r"[.!?…。！？।؟][^\w]*$")
PAUSING = re.compile(r"[,;:–—、，；：،؛][^\w]*$")


@dataclass(frozen=True, slots=True)
class Unit:
    """One word, or one character in a script without spaces.

    It ends at the index `end` of its clause. `said` is how long it takes to say, `pause` the silence behind it; both in
    letters of English.
    """

    end: int
    said: int
    pause: int


def split_units(clause: str) -> Iterator[Unit]:
    """Yield the units of a clause in order. Markup that is not read aloud takes no time."""
    clause = UNHEARD.sub(lambda found: WORDLIKE.sub("·", found[0]), clause.rstrip())
    for match in UNIT.finditer(clause):
        said, pause = _weigh_word(match[0].strip())
        yield Unit(match.end(), said, min(pause, FINAL_PAUSE) if match.end() == len(clause) else pause)


def _weigh_word(word: str) -> tuple[int, int]:
    """Return how long a word takes to say, and the pause behind it, in letters of English."""
    if said := ABBREVIATIONS.get(word.lower()):
        return said, 0
    read = LINK.sub(r"\1", word)
    letter = ACRONYM if SPELLED.fullmatch(read) else 1
    said = POINT * len(MARK_IN_NUMBER.findall(read)) + sum(_weigh_character(character, letter) for character in read)
    tail = read[-TAIL_CHARS:]  # or a flood of marks would cost its square
    return said, STOP if STOPPING.search(tail) else PAUSE if PAUSING.search(tail) else 0


def _weigh_character(character: str, letter: int) -> int:
    """Return how long a character takes to say, in letters of English. `letter` is the weight of a plain letter."""
    if KANA_LETTER.match(character):
        return KANA
    if WIDE_LETTER.match(character):
        return WIDE
    if character.isdecimal():
        return DIGIT
    return letter if character.isalpha() else SYMBOLS.get(character, 0)


def estimate_heard_text(clauses: Sequence[tuple[str, int]], played_ms: int) -> str:
    """Return the words that were played within `played_ms`. Each clause is its text and the length of its audio in ms.

    A word counts as heard once half of it was played, since a listener completes it.
    """
    heard = ""
    for text, audio_ms in clauses:
        if played_ms >= audio_ms:
            heard += text
            played_ms -= audio_ms
            continue
        return (heard + _cut_at_share(text, played_ms / audio_ms)).rstrip()
    return heard


def _cut_at_share(text: str, share: float) -> str:
    """Return the beginning of the clause that was played when this share of its audio, 0 to 1, was played."""
    if len(text) > CLAUSE_MAX_CHARS:
        return text[: text.rfind(" ", 0, round(share * len(text))) + 1 or round(share * len(text))]
    spoken = list(split_units(text))
    played = share * sum(unit.said + unit.pause for unit in spoken)
    begins, end = 0, 0
    for unit in spoken:
        if begins + unit.said / 2 > played:
            break
        begins += unit.said + unit.pause
        end = unit.end
    return text[:end]
