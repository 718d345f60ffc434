"""Judge from its last words and marks how finished a transcript looks.

Recognisers put a full stop behind any fragment ("I would like to book a flight to."), so what a word can do at the end
of a sentence counts more than the mark behind it. A finished sentence without a mark only makes the assistant wait a
little longer.
"""

import re
from collections.abc import Sequence
from enum import IntEnum
from itertools import pairwise

from conversations.realtime.text.languages import LANGUAGES, cjk, numbers
from conversations.realtime.text.languages.language import Language, tokenize

MARK_END = ".!?。！？｡؟।॥۔։።"
QUESTION_MARKS = "?？؟"
PAUSE_END = ",，、،:：;；-–—‐‑…"
CLOSERS = "\"'”’»)]}」』）】›"
SENTENCE = re.compile(rf"(?<=[{re.escape(MARK_END)}])\s+|(?<=[。！？｡])")
ELLIPSIS = re.compile(r"(?:\.\s?){2,}$|…$")
PAIRS = {"“": "”", "«": "»", "(": ")", "「": "」", "『": "』", "（": "）"}
HAS_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
HAS_GREEK = re.compile(r"[\u0370-\u03ff]")
STARTER_MIN_TOKENS = 3
TAIL_CHARS = 400  # what was said before does not matter, and the work stays the same after minutes of speech
LIST_MIN_COMMAS = 2
ANSWER_MAX_TOKENS = 4
PHRASE_MAX_TOKENS = 5
LIST_ENTRY_MAX_TOKENS = 2


class Ending(IntEnum):
    """How finished an utterance looks, from surely finished to surely not."""

    FINISHED = 0  # "Book a table for two."
    LIKELY = 1  # "book a table for two"
    DOUBTFUL = 2  # "Turn it on."
    OPEN = 3  # "Book a flight to."
    HESITATING = 4  # "Book a flight to, um"


CJK_ENDINGS = sorted(
    [(end, Ending.HESITATING) for end in cjk.FILLERS]
    + [(end, Ending.OPEN) for end in cjk.OPEN]
    + [(end, Ending.DOUBTFUL) for end in cjk.DOUBTFUL]
    + [(end, Ending.FINISHED) for end in cjk.CLOSED],
    key=lambda known: len(known[0]),
    reverse=True,
)


def judge_ending(text: str, language: str = "") -> Ending:
    """Return how finished `text` looks.

    `language` ("de", "de-AT") limits the words that count to those of one language. With a language that has no table
    only the marks count.
    """
    text = text.strip()[-TAIL_CHARS:]
    if not tokenize(text):
        return Ending.DOUBTFUL
    bare = text.rstrip(CLOSERS + " ")
    if HAS_CJK.search(text):
        return _judge_cjk(bare)
    sentence = [part for part in SENTENCE.split(text) if tokenize(part)][-1]
    return _judge_sentence(sentence, bare, _choose_languages(text, language))


def _choose_languages(text: str, hint: str) -> Sequence[Language]:
    """Return the hinted language; without a hint those languages that most words of the text belong to.

    So "die" is no German article beside "I hope they".
    """
    if hint:
        known = LANGUAGES.get(hint.lower().split("-")[0])
        return [known] if known else []
    tokens = tokenize(text)
    scores = [sum(language.has_word(token) for token in tokens) for language in LANGUAGES.values()]
    return [language for language, score in zip(LANGUAGES.values(), scores, strict=True) if score == max(scores)]


def _judge_sentence(sentence: str, bare: str, languages: Sequence[Language]) -> Ending:
    if _has_open_mark(sentence, bare):
        return Ending.OPEN
    if any(_is_answer(sentence, language) for language in languages):
        return Ending.FINISHED
    tokens = tokenize(sentence)
    mark = _find_mark(bare)
    found = [_judge_by_words(sentence, tokens, mark, language) for language in languages]
    return max(
        [Ending.FINISHED if mark else Ending.LIKELY, _judge_dictation(sentence, tokens, mark, languages), *found]
    )


def _find_mark(bare: str) -> str:
    """Return "?" for a question mark at the end, "." for any other mark that ends a sentence, "" for none.

    A semicolon counts as the Greek question mark: any other has been sorted out before.
    """
    if bare[-1] in QUESTION_MARKS + ";":
        return "?"
    return "." if bare[-1] in MARK_END else ""


def _has_open_mark(sentence: str, bare: str) -> bool:
    """Return whether a comma, a dash, an ellipsis or an open bracket or quote says that more is to come."""
    if bare[-1] in PAUSE_END:
        return not (bare[-1] == ";" and HAS_GREEK.search(bare))
    return bool(ELLIPSIS.search(bare)) or _is_unbalanced(sentence)


def _is_unbalanced(sentence: str) -> bool:
    """Return whether a quote or a bracket is open at the end."""
    pairs = PAIRS | {"„": "“"} if "„" in sentence else PAIRS
    opened = [mark for mark in pairs if mark in sentence and not ("„" in sentence and mark == "“")]
    return sentence.count('"') % 2 == 1 or any(sentence.rfind(mark) > sentence.rfind(pairs[mark]) for mark in opened)


def _is_answer(sentence: str, language: Language) -> bool:
    """Return whether the sentence holds nothing but complete short answers, such as "Yes, please"."""
    parts = [" ".join(tokenize(part)) for part in sentence.split(",")]
    return all(part in language.answers for part in parts if part)


def _judge_dictation(sentence: str, tokens: list[str], mark: str, languages: Sequence[Language]) -> Ending:
    """Judge numbers, spellings and e-mail addresses that are dictated.

    A full stop says nothing about them, so even a whole one is only likely to be finished.
    """
    more_digits = numbers.is_number_unfinished(sentence, languages)
    if more_digits or numbers.is_spelling(sentence) or numbers.is_half_address(sentence):
        return Ending.OPEN
    if numbers.has_ten_at_end(tokens, languages):
        return Ending.LIKELY if mark else Ending.OPEN
    return Ending.FINISHED if more_digits is None else Ending.LIKELY


def _judge_by_words(sentence: str, tokens: list[str], mark: str, language: Language) -> Ending:
    """Judge a sentence by its last words, for one language."""
    last = tokens[-1]
    if last in language.fillers:
        return Ending.HESITATING
    if (
        last in language.open
        or (last in language.asking_open and mark != "?")
        or _is_cut_question(tokens, mark, language)
    ):
        return Ending.OPEN
    if last in language.stranded or _has_phrase_at_end(tokens, language.open_phrases):
        return _judge_stranded(tokens, mark, language)
    if last in language.doubtful:
        return _judge_doubtful(sentence, tokens, mark, language)
    return _judge_by_shape(sentence, tokens, mark, language)


def _is_cut_question(tokens: list[str], mark: str, language: Language) -> bool:
    """Return whether a question was cut off at its question word, as "Can you tell me when?" was.

    The statement "I don't know why." is not.
    """
    return mark != "." and tokens[-1] in language.asking and bool(language.telling.intersection(tokens[:-1]))


def _has_phrase_at_end(tokens: list[str], phrases: frozenset[str]) -> bool:
    """Return whether the tokens end in one of the phrases."""
    return any(" ".join(tokens[-count:]) in phrases for count in range(1, PHRASE_MAX_TOKENS + 1))


def _judge_stranded(tokens: list[str], mark: str, language: Language) -> Ending:
    """Judge a last word that usually needs more but may also end a question or an answer.

    Examples are the preposition in "Where are you from?" and the verb in "Yes, it is."
    """
    asks = tokens[-1] in language.stranded and any(
        first in language.asking and (second in language.stranded or first.endswith("'s"))
        for first, second in pairwise(tokens[:3])
    )
    asks = asks and len(tokens) > 3
    if asks and mark == "?":
        return Ending.FINISHED
    is_clause = tokens[0] in language.answers - language.asking or (
        mark and any(token in language.asking for token in tokens[:-1])
    )
    return Ending.DOUBTFUL if asks or is_clause else Ending.OPEN


def _judge_doubtful(sentence: str, tokens: list[str], mark: str, language: Language) -> Ending:
    """Judge a last word that seldom ends a sentence."""
    clause = tokenize(sentence.rsplit(",", 1)[-1])
    if mark == "." and len(tokens) <= ANSWER_MAX_TOKENS and tokens[0] in language.answers - language.asking:
        return Ending.FINISHED  # "No, I don't."
    if (
        mark == "."
        and len(tokens) > len(clause) >= STARTER_MIN_TOKENS
        and clause[0] in language.asking | language.starters
    ):
        return Ending.LIKELY  # a German subordinate clause ends in its verb
    if not mark and len(tokens) >= STARTER_MIN_TOKENS and tokens[0] in language.asking:
        return Ending.DOUBTFUL  # "wie spät ist es"
    return _judge_by_mark(mark)


def _judge_by_mark(mark: str) -> Ending:
    """Judge by the mark alone, where the words want more."""
    return {"?": Ending.FINISHED, ".": Ending.DOUBTFUL, "": Ending.OPEN}[mark]


def _judge_by_shape(sentence: str, tokens: list[str], mark: str, language: Language) -> Ending:
    """Judge a first clause that needs a second one, and a list that has not come to its "and"."""
    parts = [tokenize(part) for part in sentence.split(",")]
    if len(parts) == 1 and tokens[0] in language.starters and len(tokens) >= STARTER_MIN_TOKENS:
        return _judge_by_mark(mark)
    short = [part for part in parts[-LIST_MIN_COMMAS:] if 0 < len(part) <= LIST_ENTRY_MAX_TOKENS]
    if len(parts) > LIST_MIN_COMMAS and len(short) == LIST_MIN_COMMAS and not set(parts[-1]) & language.joins:
        return _judge_by_mark(mark)
    return Ending.FINISHED


def _judge_cjk(bare: str) -> Ending:
    """Judge a text in Chinese, Japanese or Korean by the longest known ending."""
    mark = _find_mark(bare)
    if bare[-1] in PAUSE_END or ELLIPSIS.search(bare):
        return Ending.OPEN
    sentence = [part for part in SENTENCE.split(bare) if tokenize(part)][-1].strip(MARK_END + PAUSE_END + " ")
    if sentence in cjk.ANSWERS or re.split(r"[、，,]", sentence)[-1].strip() in cjk.ANSWERS:
        return Ending.FINISHED
    if sentence.split()[-1] in cjk.FILLER_WORDS:
        return Ending.HESITATING
    if numbers.is_cjk_number_unfinished(sentence):
        return Ending.OPEN
    ending = next((group for end, group in CJK_ENDINGS if sentence.endswith(end)), Ending.LIKELY)
    if ending is Ending.HESITATING or (ending is Ending.OPEN and mark != "?"):
        return ending
    return _judge_by_mark(mark) if ending is Ending.DOUBTFUL else Ending.FINISHED if mark else ending
