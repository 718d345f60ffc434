"""Find the words in a transcript that somebody said. Every transcript passes here, whichever way it came.

Whisper servers write sounds that are not speech in brackets, between asterisks or as signs. Typed text does not pass
here, since people who type brackets mean them.
"""

import re

from conversations.realtime.text.languages.language import tokenize
from conversations.realtime.text.languages.noise_labels import NOISES, UNSPACED_NOISES
from conversations.realtime.user_turn.backchannel import ANSWERS, BACKCHANNELS, COMMANDS

SIGNS = re.compile("[♩♪♫♬♭♮♯🎵🎶🎼]+\ufe0f?")
REMARK = re.compile(
    r"\[[^\[\]]*\]|\([^()]*\)|\{[^{}]*\}|<[^<>]*>|\*[^*]*\*|（[^（）]*）|［[^［］]*］|【[^【】]*】|〔[^〔〕]*〕|〈[^〈〉]*〉"
)
OPENING = re.compile(r"[\[({<（［【〔〈]")
CLOSING = "])}>）］】〕〉"
LETTER = re.compile(r"[^\W_]")
UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")
ALONE_MAX_WORDS = 3  # words of a remark that is all there is: a longer one may have been said, unless it names a noise
INNER_MAX_WORDS = 6  # words of a remark amid others
ANSWERED = COMMANDS | ANSWERS | BACKCHANNELS


def extract_spoken_words(transcript: str, *, is_partial: bool = False) -> str:
    """Return the spoken words of a transcript, or "". With `is_partial` its last remark may still be open."""
    text = SIGNS.sub(" ", transcript).strip()
    if is_partial:
        text = _drop_open_remark(text)
    remarks = REMARK.findall(text)
    is_all = not LETTER.search(REMARK.sub("", text))
    if not remarks:
        return "" if is_all else text
    if is_all:
        return "" if all(_is_noise(remark) for remark in remarks) else text
    return _tidy_spaces(REMARK.sub(lambda found: " " if _is_named_noise(found[0]) else found[0], text))


def _drop_open_remark(text: str) -> str:
    """Return the text without a remark at its end that has not been closed."""
    rest = REMARK.sub(lambda found: " " * len(found[0]), text)
    opened = OPENING.search(rest, max(map(rest.rfind, CLOSING)) + 1)
    begun = [place for place in (opened.start() if opened else -1, rest.rfind("*")) if place >= 0]
    return text[: min(begun)].rstrip() if begun else text


def _is_noise(remark: str) -> bool:
    """Return whether a remark names a noise, if it is all that the transcript has."""
    inner = _strip_brackets(remark)
    if remark[0] in "[<【［":  # nobody speaks in those
        return True
    if _has_noise_name(inner):
        return True
    is_said = any(character.isdigit() for character in inner) or " ".join(tokenize(inner)) in ANSWERED
    return not is_said and _count_words(inner) <= ALONE_MAX_WORDS


def _is_named_noise(remark: str) -> bool:
    """Return whether a remark beside other words names a noise."""
    inner = _strip_brackets(remark)
    if remark.startswith("<|"):
        return True
    is_label = remark[0] in "[【［" and len(inner) > 2 and inner.isupper() and not any(map(str.isdigit, inner))
    return is_label or (_has_noise_name(inner) and _count_words(inner) <= INNER_MAX_WORDS)


def _strip_brackets(remark: str) -> str:
    return remark[1:-1].replace("_", " ").strip()


def _has_noise_name(inner: str) -> bool:
    return any(token in NOISES for token in tokenize(inner)) or any(name in inner for name in UNSPACED_NOISES)


def _count_words(inner: str) -> int:
    """Return the number of words; two characters of a script without spaces count as one."""
    return max(len(inner.split()), len(UNSPACED.findall(inner)) // 2)


def _tidy_spaces(text: str) -> str:
    return re.sub(r"[^\S\n]{2,}", " ", text).strip(" -–—") if "  " in text or text[:1] in "-–— " else text.strip()
