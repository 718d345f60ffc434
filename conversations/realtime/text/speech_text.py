"""Reduce a written clause to what is read aloud: no Markdown, links, emoji, code, formulas or citation marks.

It goes by the properties that Unicode gives to characters, so that every script stays whole: a joiner between letters
belongs to the word, one between pictures does not. `heard_text.py` and the page (`static/js/reducer/speech_units.js`,
`static/js/webspeech/clauses.js`) follow the same rules.
"""

import re
from dataclasses import dataclass

import regex

from conversations.realtime.text.markdown import extract_words

# Most clauses have nothing to take out, and speech waits for them: these are not parsed. A hyphen begins a list, if it
# does not join words.
PLAIN = re.compile(r"(?:[^\W_]++|[\s,.;:!?'’\"“”()…]|(?<=\w)-(?=\w))*+")
# Where a block of code or a formula begins. A fence may follow words ("Look: ```python"), as models write it.
OPENING = re.compile(
    r"""^[ \t>]*+(?:(?:[-*+]|\d{1,3}[.)])[ \t]++)?(?P<fence>`{3,}+(?=[^`\n]*$)|~{3,}+)
    |(?<!`)(?P<late>`{3,}+)(?=[\w+\#.-]*+[ \t]*+\n)
    |(?P<line>^[ \t>]*+)?(?P<formula>\$\$|\\\[|\\\(|\\begin\{\w+\*?\})""",
    re.MULTILINE | re.VERBOSE,
)
CLOSING = {"$$": "$$", r"\[": r"\]", r"\(": r"\)"}
# What ends a formula that is not closed: amid a line its end, else a blank line; or so many characters.
LINE_END, BLANK_LINE = re.compile(r"\n"), re.compile(r"\n[ \t]*\n")
UNCLOSED_MAX_CHARS = {LINE_END: 200, BLANK_LINE: 1_000}
# “$x$”: nothing blank inside the marks, no figure behind them (“$5 or $6”).
SMALL_FORMULA = re.compile(r"(?<![\w$\\])\$(?=[^\s$])([^$\n]{1,200})(?<![\s\\])\$(?![\w$])")
NOTATION = re.compile(r"[\\^_{}]")  # of TeX; without any a formula is said as it stands

# “[1][2]”, “[^3]”, “[1](https://…)”, “【4†source】”, and the private letters of ChatGPT's citations.
SOURCE = re.compile(
    r"[ \t]*+(?:\[\[?\^?\d{1,3}(?:\s?[,–-]\s?\d{1,3})*\]?\](?:\([^()\s]*\))?:?"
    r"|【[^【】]*†[^【】]*】|【\d[\d:]*】|\ue200[^\ue201]*\ue201)"
)
BULLET = re.compile(r"^[ \t]*[•‣⁃–]\s+|(?<=^[-*+] )\[[ xX]\]\s+", re.MULTILINE)
DEFINITION = re.compile(r"^[ \t]*\[[^\]\n]*\]:\s*(?:<|https?://)\S*.*$", re.MULTILINE)

# A clause may hold but a row of a table, so that the parser would see none. The line below its head, or below a
# heading, is not said.
RULE = re.compile(r"^[ \t|:]*+(?:[-=_*]{3,}+[ \t|:]*+)+$", re.MULTILINE)
ROW = re.compile(r"^[ \t]*\|(.*?)\|?[ \t]*$", re.MULTILINE)
CELL_END = re.compile(r"\s*\|\s*")
# What a clause that ends amid it leaves of a link, or of emphasis.
REST_OF_LINK = re.compile(r"\]\([^()\s]*\)?|\]\[[^\]]*\]")
EMPHASIS = regex.compile(
    r"(?<![\w\p{M}])(?:\*{1,3}|_{1,3}|~~|`{1,3})(?=\S)|(?<=\S)(?:\*{1,3}|_{1,3}|~~|`{1,3})(?![\w\p{M}])"
)
URL = re.compile(r"(?:https?://(?:[^\s/?#@)>\]]*@)?|\b(?=www\.))([^\s/?#:)>\]]*)(?:\([^\s()]*\)|[^\s)>\]])*+")
MULTIPLICATION = re.compile(r"(?<=\d)\*(?=\d)")  # “2*3”, which Markdown would read as emphasis

# Pictures, arrows, and what shows nothing; but signs of measure and of names are words, and so is what a script has of
# its own. A joiner or a mark that chooses a shape belongs to the letter before it.
UNSPOKEN = regex.compile(
    r"""[\p{Extended_Pictographic}--[©®™]]
    |[\p{So}&&\p{Script=Common}--[©®°\u2100-\u214f\u3200-\u33ff]]
    |[\u2190-\u21ff\u25a0-\u25ff\u27f0-\u27ff\u2900-\u297f\u2022\u2023\u20e3\p{Emoji_Modifier}\p{Co}\p{Cn}\p{Cs}]
    |(?<![\p{L}\p{M}--[\ufe00-\ufe0f]])[\u200c\u200d]
    |[\p{Default_Ignorable_Code_Point}--[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200c\u200d]]""",
    regex.VERSION1 | regex.VERBOSE,
)
BRACKETS = re.compile(r"[\[\]]")
SPACES = re.compile(r"\s+")
BEFORE_STOP = re.compile(r" (?=[,.](?:\s|$))")  # where a formula or a picture was
SPEAKABLE = regex.compile(r"[\p{L}\p{N}]")
MID_LINE = "\u2063 "  # in front of a clause that begins no line, and so no list and no heading; it is not spoken


@dataclass(slots=True)
class SilentBlock:
    """A block of code or a formula that has begun and not ended."""

    closing: str
    end: re.Pattern[str] | None = None  # of what is not closed; None: it stays open, as Markdown has it of code
    chars: int = 0  # so far


class SpeechText:
    """The filter for one reply.

    It remembers from clause to clause which block is open, and whether a line has begun.
    """

    def __init__(self) -> None:
        self._silent: SilentBlock | None = None
        self._is_mid_line = False

    def filter_clause(self, clause: str) -> str:
        """Return the words of the clause to synthesise, or "" if it has none."""
        text = MID_LINE + clause if self._is_mid_line else clause
        self._is_mid_line = "\n" not in clause[len(clause.rstrip()) :]
        is_plain = self._silent is None and PLAIN.fullmatch(clause) and "www." not in clause
        text = _tidy_spaces(clause) if is_plain else strip_markup(self._drop_silent(text))
        return text if SPEAKABLE.search(text) else ""

    def _drop_silent(self, rest: str) -> str:
        """Return the text without blocks of code, and without formulas that nobody could say."""
        said = ""
        while rest:
            if self._silent is not None:
                rest = rest[self._skip_silent(self._silent, rest) :]
                said += " "
            elif opening := OPENING.search(rest):
                said, rest = self._begin_silent(opening, said + rest[: opening.start()], rest[opening.end() :])
            else:
                return said + rest
        return said

    def _skip_silent(self, silent: SilentBlock, rest: str) -> int:
        """Return how many characters of `rest` belong to the open block, and close the block where it ends."""
        place = rest.find(silent.closing)
        end = len(rest) if place < 0 else place + len(silent.closing)
        given_up = silent.end and silent.end.search(rest, 0, end)
        silent.chars += end
        if place >= 0 or given_up or (silent.end and silent.chars > UNCLOSED_MAX_CHARS[silent.end]):
            self._silent = None
        return given_up.start() if given_up else end

    def _begin_silent(self, opening: re.Match[str], said: str, rest: str) -> tuple[str, str]:
        """Enter a block of code or a formula, and return the spoken text so far and the text that is left."""
        if fence := opening["fence"] or opening["late"]:
            self._silent = SilentBlock(fence)
            return said, rest
        mark: str = opening["formula"]
        closing = CLOSING.get(mark) or mark.replace("begin", "end")
        inside, closed, behind = rest.partition(closing)
        is_said = mark in CLOSING and not NOTATION.search(inside)
        if closed:
            return f"{said} {inside if is_said else ''} ", behind
        is_display = opening["line"] is not None and not rest.partition("\n")[0].strip()
        if is_display or not is_said:
            self._silent = SilentBlock(closing, BLANK_LINE if is_display else LINE_END)
        return f"{said} ", rest


def strip_markup(text: str) -> str:
    """Return the text without citation marks, formulas, tables, emphasis, web addresses and pictures."""
    text = SOURCE.sub("", DEFINITION.sub("", text))
    text = SMALL_FORMULA.sub(lambda found: "" if NOTATION.search(found[1]) else found[1], text)
    text = ROW.sub(r"\1", RULE.sub("", BULLET.sub("", text)))
    text = EMPHASIS.sub("", REST_OF_LINK.sub("", extract_words(MULTIPLICATION.sub(r"\\*", text))))
    text = URL.sub(lambda found: found[1].rstrip(".,;!"), text)
    return _tidy_spaces(CELL_END.sub(", ", UNSPOKEN.sub("", BRACKETS.sub("", text))))


def _tidy_spaces(text: str) -> str:
    return BEFORE_STOP.sub("", SPACES.sub(" ", text)).strip()
