"""Cut a streamed reply into clauses, so that speech starts while the model still writes.

The first clause ends at the first natural pause, since the user waits for it. The second is short too, so that its
sound is ready before the first has been spoken. Later ones are whole sentences, ever longer, which sound better.
Nothing is changed or lost: the clauses joined are the text. What is spoken of each is in `speech_text`.
"""

import re
import unicodedata

from conversations.realtime.commands import SpeakClause
from conversations.realtime.text.speech_text import SpeechText

CLOSERS = "\"'”’»)\\]*_`"
WIDE_CLOSERS = "」』”’）》〉】"
WIDE = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f]")
UNSPACED = "\u0e00-\u0eff\u1780-\u17ff"  # Thai, Lao, Khmer: a space is their comma

# A French closing quote stands behind a space (« Ah ! »), where a German one opens (Ah. »Oh«).
SENTENCE = rf"""
    (?<![.!?…؟۔])[.!?…؟۔]+[{CLOSERS}]*(?:[ \u00a0\u202f]»)?(?=\s)\s*+(?!»(?:\s|$))
  | [。！？｡।॥።។။]+[{CLOSERS}{WIDE_CLOSERS}]*\s*
  | \n+\s*
"""
PAUSE = rf"""
    [,;:–—،؛][{CLOSERS}]*(?=\s)\s*
  | (?<=[^\W\d])—(?=\w)
  | [、，；：](?!\d)[{WIDE_CLOSERS}]*\s*
  | (?<=[{UNSPACED}])\s+(?=[{UNSPACED}])
"""
BOUNDARY = re.compile(rf"(?P<sentence>{SENTENCE})|(?P<pause>{PAUSE})", re.VERBOSE)

# A full stop after these does not end a sentence; nor after a single letter or a small number ("1. First", "3. Mai").
ABBREVIATION = re.compile(
    r"""(?:^|[\s(\["'“„«.-])(?:[^\W\d_]|\d{1,2}|Mr|Mrs|Ms|Dr|Drs|Prof|St|Jr|Sr|Gen|Col|Sgt|Capt|Lt|Rev|Hon|vs|etc|approx|dept|est|inc
    |Nr|bzw|ca|usw|evtl|ggf|inkl|zzgl|Hr|Fr|Str|Mio|Mrd|Tel|bspw|sog|vgl|geb|Abs
    |Sra?|Srta|Dra|Ud|Uds|Mme|Mlle|Mgr|p\.ex|env|av|Sig|Dott|Avv|ecc|Exmo|bijv|enz|dhr|mevr|mw|np|itd|itp|tzw|ul
    |г|ул|т\.д|т\.п|др|руб|тыс|млн|млрд)\.$""",
    re.VERBOSE | re.IGNORECASE,
)
BEFORE_NUMBER = re.compile(r"\b(?:No|Nos|Fig|Vol|Art|Abb|Kap|Num|Núm|Tab|Sec|Ch|pp)\.$", re.IGNORECASE)
ABBREVIATION_MAX_CHARS = 10
LIST_MARK = re.compile(r"\s*(?:[-*+•–]|\d{1,3}[.)]|[a-z]\))\s")
# Where a first clause without any pause may be cut: before a word that begins a new thought.
NEW_THOUGHT = re.compile(
    r"""(?<=\s)(?=(?:and|but|or|because|since|while|when|where|which|who|that|if|so|although|before|after|until|without
    |und|aber|oder|weil|dass|wenn|wo|obwohl|damit|denn|sondern|bevor|nachdem|während|ohne
    |et|mais|ou|parce|que|qui|quand|lorsque|puisque|pour|sans|avec|y|pero|porque|cuando|aunque|donde|para|sin
    |ma|perché|quando|mentre|che|senza|mas|porque|embora|sem|en|maar|omdat|dat|als|terwijl|zonder
    |ale|bo|ponieważ|który|która|że|gdy|och|men|eftersom|att|som|när|ve|ama|çünkü|и|но|что|который|которая|когда|если|потому)\s)""",
    re.VERBOSE | re.IGNORECASE,
)
WORD = re.compile(r"\w")

# The least width of the first clause, of the second, and so on. A wide character takes as long to say as three others.
MIN_WIDTHS = (3, 16, 40, 60, 80)
PAUSED_CLAUSES = 2  # clauses that may end at a pause; later ones only where their sentence is long
LONG_SENTENCE_WIDTH = 120
FIRST_MAX_CHARS = 40
NEW_THOUGHT_MIN_CHARS = 16
MAX_CHARS = 240
LABEL_MAX_CHARS = 40  # characters
LETTER_MAX_CHARS = 32  # characters: a family of four with skin tones has eleven


class ClauseChunker:
    """The clauses of one reply, cut from its text as the text arrives.

    It never looks more than MAX_CHARS ahead: a whole reply may arrive at once, and the work must not grow with its
    square.
    """

    def __init__(self) -> None:
        self._text = ""
        self._count = 0

    def feed(self, text: str) -> list[str]:
        """Add text, and return the clauses that are complete by now."""
        self._text += text
        clauses, start = [], 0
        while (length := self._find_clause_end(self._text[start : start + MAX_CHARS + 1])) is not None:
            clauses.append(self._text[start : start + length])
            start += length
            self._count += 1
        self._text = self._text[start:]
        return clauses

    def flush(self) -> list[str]:
        """Return what is left when the reply has ended: one clause, or [] if there is nothing."""
        rest, self._text = self._text, ""
        return [rest] if rest else []

    def _find_clause_end(self, ahead: str) -> int | None:
        """Return the length of the first complete clause in characters, or None while more text is needed to know."""
        end = 0
        for boundary in BOUNDARY.finditer(ahead):
            end = boundary.end()
            # A match that reaches the end of the text may still grow ("?" then "!").
            if end < len(ahead) and self._is_clause_end(ahead, boundary):
                return end
        if len(ahead) > (most := _choose_max_chars(ahead)):
            return _force_cut(ahead, most)
        if self._count == 0 and end < len(ahead) and len(ahead) > FIRST_MAX_CHARS:
            return _find_new_thought(ahead)
        return None

    def _is_clause_end(self, ahead: str, boundary: re.Match[str]) -> bool:
        clause, rest = ahead[: boundary.end()], ahead[boundary.end() :]
        if not WORD.search(clause) or (boundary["pause"] is not None and _is_inside_label(clause)):
            return False
        if "\n" in boundary[0] and (LIST_MARK.match(ahead) or LIST_MARK.match(rest)):
            return not _is_list_mark(clause)
        width = _measure_width(clause)
        if width < MIN_WIDTHS[min(self._count, len(MIN_WIDTHS) - 1)]:
            return False
        if boundary["pause"] is None:
            return "\n" in boundary[0] or not _has_abbreviation_at_end(clause, rest)
        is_date = clause.rstrip()[-2:-1].isdigit() and rest[:1].isdigit()  # May 3, 1998
        return not is_date and (self._count < PAUSED_CLAUSES or width >= LONG_SENTENCE_WIDTH)


def _measure_width(text: str) -> int:
    """Return the width of the text in characters, in which a wide one (Han, kana, Hangul) counts as three."""
    return len(text.strip()) + 2 * len(WIDE.findall(text))


def _choose_max_chars(ahead: str) -> int:
    """Return how many characters a clause may have; fewer of a script whose characters take longer to say."""
    return max(MAX_CHARS // 3, MAX_CHARS - 2 * len(WIDE.findall(ahead)))


def _is_inside_label(clause: str) -> bool:
    """Return whether the clause ends inside the label of a link, which sounds better whole.

    A label that does not close within LABEL_MAX_CHARS holds nothing back.
    """
    label = clause[-LABEL_MAX_CHARS:]
    return label.rfind("[") > label.rfind("]")


def _is_list_mark(clause: str) -> bool:
    """Return whether the clause is only the mark of a list entry, such as "1." or "-"."""
    mark = LIST_MARK.match(clause)
    return mark is not None and not WORD.search(clause, mark.end())


def _has_abbreviation_at_end(clause: str, rest: str) -> bool:
    """Return whether the full stop that ends the clause belongs to an abbreviation or to a number that follows."""
    last = clause.rstrip()[-ABBREVIATION_MAX_CHARS:]
    return bool(ABBREVIATION.search(last) or (rest[:1].isdigit() and BEFORE_NUMBER.search(last)))


def _find_new_thought(ahead: str) -> int | None:
    """Return the last place at which the text may be cut before a word that begins a new thought, or None."""
    cuts = [cut.end() for cut in NEW_THOUGHT.finditer(ahead, NEW_THOUGHT_MIN_CHARS)]
    return next((cut for cut in reversed(cuts) if not _is_inside_label(ahead[:cut])), None)


def _force_cut(ahead: str, most: int) -> int:
    """Return where to cut text without an end in sight: at its last pause, else its last space, else anywhere."""
    ends = [boundary.end() for boundary in BOUNDARY.finditer(ahead)]
    pauses = [
        end
        for end in ends
        if end <= most and MIN_WIDTHS[2] <= _measure_width(ahead[:end]) and not _is_inside_label(ahead[:end])
    ]
    return (pauses[-1] if pauses else ahead.rfind(" ", 0, most) + 1) or _cut_between_letters(ahead, most)


def _cut_between_letters(ahead: str, most: int) -> int:
    """Return the last place up to `most` that is neither inside an emoji nor between a letter and its marks.

    After LETTER_MAX_CHARS the search gives up and returns `most`: no real letter has that many marks.
    """
    ends = range(most, most - LETTER_MAX_CHARS, -1)
    return next((end for end in ends if not _is_inside_letter(ahead[end - 1 : end + 1])), most)


def _is_inside_letter(pair: str) -> bool:
    return unicodedata.category(pair[-1])[0] == "M" or "\u200d" in pair


class SpeechScript:
    """The clauses of one response, as commands for text to speech.

    The same text always gives the same clauses, since a preemptive generation is fed a second time when it is released.
    """

    def __init__(self, response_id: str, voice: str, speed: float) -> None:
        self._response_id = response_id
        self._voice = voice
        self._speed = speed
        self._chunker = ClauseChunker()
        self._speech_text = SpeechText()
        self.clauses: list[str] = []

    def feed(self, text: str) -> list[SpeakClause]:
        """Add text of the model, and return the clauses that are complete by now."""
        return [self._speak(clause) for clause in self._chunker.feed(text)]

    def flush(self) -> list[SpeakClause]:
        """Return the last clause when the text has ended; [] if there is nothing left."""
        return [self._speak(clause) for clause in self._chunker.flush()]

    def drop(self, index: int) -> None:
        """Drop the clauses from `index` on, and the text that does not make a clause yet."""
        del self.clauses[index:]
        self._chunker, self._speech_text = ClauseChunker(), SpeechText()

    def _speak(self, clause: str) -> SpeakClause:
        self.clauses.append(clause)
        words = self._speech_text.filter_clause(clause)
        return SpeakClause(self._response_id, len(self.clauses) - 1, words, self._voice, self._speed)
