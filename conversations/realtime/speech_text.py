"""What to read aloud of a written clause: no markdown, links, emoji or code."""

import re
from urllib.parse import urlsplit

FENCE = "```"
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
URL = re.compile(r"https?://[^\s)>\]]+")
LINE_MARK = re.compile(r"^[ \t]*(?:#{1,6}\s+|>\s?|[-*+•]\s+|\|)", re.MULTILINE)
RULE = re.compile(r"^[ \t|:]*[-=_*]{3,}[-=_*|: \t]*$", re.MULTILINE)
EMPHASIS = re.compile(r"(?<!\w)(\*{1,3}|_{1,3}|~~|`)(?=\S)|(?<=\S)(\*{1,3}|_{1,3}|~~|`)(?!\w)")
TAG = re.compile(r"</?[a-zA-Z][^>]*>")
EMOJI = re.compile(
    "[\U0001f000-\U0001faff\U00002600-\U000027bf\U00002b00-\U00002bff\U0000fe0f\U0000200d\U000020e3\U0001f1e6-\U0001f1ff\U000e0020-\U000e007f]"
)
SPACES = re.compile(r"\s+")
SPEAKABLE = re.compile(r"\w")


class SpeechText:
    """One reply's filter. It remembers an open code block from one clause to the next."""

    def __init__(self) -> None:
        self._in_code = False

    def spoken(self, clause: str) -> str:
        """The words to synthesise; "" where the clause holds none."""
        text = clean(self._without_code(clause))
        return text if SPEAKABLE.search(text) else ""

    def _without_code(self, clause: str) -> str:
        prose = ""
        for number, part in enumerate(clause.split(FENCE)):
            if number:
                self._in_code = not self._in_code
            if not self._in_code:
                prose += part + " "
        return prose


def clean(text: str) -> str:
    text = LINK.sub(r"\1", text)
    text = URL.sub(lambda match: urlsplit(match[0]).hostname or "", text)
    text = RULE.sub(" ", text)
    text = LINE_MARK.sub(" ", text)
    text = TAG.sub(" ", text)
    text = EMPHASIS.sub("", text)
    text = EMOJI.sub("", text).replace("|", ", ")
    return SPACES.sub(" ", text).strip()
