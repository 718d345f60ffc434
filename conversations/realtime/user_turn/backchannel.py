"""Judge what is transcribed while the assistant speaks: its own voice, a backchannel, or a wish to speak.

An error costs differently each way. What is wrongly taken for the user's words only interrupts the assistant, while
what is wrongly taken for an echo or a backchannel is lost. So a command ("stop", "wait", "no") alone is always the
user's, and so are short answers to what was just asked. Everything else must match closely to be an echo.
"""

import re
from collections import Counter
from collections.abc import Iterable
from difflib import Match, SequenceMatcher, get_close_matches
from itertools import islice, pairwise

from conversations.realtime.text.languages import LANGUAGES, cjk
from conversations.realtime.text.languages.language import TOKEN, tokenize
from conversations.realtime.text.languages.silence_hallucinations import CREDIT_STARTS, CREDITS

ECHO_SHARE = 0.8  # of the words in the transcript: a recogniser gets one in five of a loudspeaker's words wrong
SIMILAR_WORD = 0.75  # of the letters, in words of at least FUZZY_MIN_CHARS
FUZZY_CHARS = range(4, 41)
FUZZY_CANDIDATES = 5
MIXED_MIN_TOKENS = 4
ANSWER_MAX_TOKENS = 3
TRANSCRIPT_GAP, SPOKEN_GAP = 2, 3  # misheard words, and missed ones, within one echo
PHRASE_MAX_TOKENS = 3
LOOP_MIN_TOKENS = 5
SHORT_MAX_CHARS = 400  # no backchannel is longer
# What is compared is bounded, since its cost is the product of both: some 40 s of the transcript, from its beginning,
# which is where a reply still sounded; and the last minute of what was said. What lies beyond is the user's own.
TRANSCRIPT_MAX_CHARS, TRANSCRIPT_MAX_TOKENS = 1_000, 150
SPOKEN_MAX_CHARS, SPOKEN_MAX_TOKENS = 1_500, 300

COMMANDS = frozenset(cjk.COMMANDS).union(*(language.commands for language in LANGUAGES.values()))
BACKCHANNELS = frozenset(cjk.BACKCHANNELS).union(*(language.backchannels for language in LANGUAGES.values()))
ANSWERS = frozenset(cjk.ANSWERS).union(*(language.answers for language in LANGUAGES.values()))
MEANINGFUL = COMMANDS | ANSWERS
NUMBERS = frozenset[str]().union(*(language.digits | language.tens for language in LANGUAGES.values()))
WORD = re.compile(rf"[\u3040-\u30ff\u3400-\u9fff]|(?:(?![\u3040-\u30ff\u3400-\u9fff]){TOKEN.pattern})")
NOISE = re.compile(r"\[[^\]]*\]|\([^)]*\)|（[^）]*）|\*[^*]*\*|<[^>]*>|[♪♫…]")
NOISE_MAX_TOKENS = 3
ASKING_BACKCHANNELS = frozenset(
    {"huh", "hm", "hmm", "eh", "right", "ok", "okay"}
)  # with a question mark these want an answer
LONG_SOUND = re.compile(r"(\w)\1{2,}")


def is_echo(transcript: str, spoken: str) -> bool:
    """Return whether the transcript repeats part of `spoken`: the words of the assistant that sounded at that time."""
    if _count_judged_chars(transcript) < len(transcript):
        return False
    tokens = _tokenize(transcript)
    if not tokens or _is_command(transcript) or _is_possible_answer(tokens, spoken):
        return False
    start, end, matched = _find_echo(tokens, _tokenize_spoken(spoken))
    strays = [*tokens[:start], "", *tokens[end:]]
    return not _has_meaning(strays) and matched >= ECHO_SHARE * len(tokens)


def remove_echo(transcript: str, spoken: str) -> str:
    """Return the user's own words in a transcript that may hold words of the assistant too.

    A user who repeats a few of the assistant's words keeps them.
    """
    if is_echo(transcript, spoken):
        return ""
    judged = transcript[: _count_judged_chars(transcript)]
    found = list(WORD.finditer(judged))
    start, end, matched = _find_echo(_tokenize(judged), _tokenize_spoken(spoken))
    if matched < MIXED_MIN_TOKENS:
        return transcript
    before, after = transcript[: found[start].start()], transcript[found[end - 1].end() :]
    return f"{before.strip()} {after.lstrip(' .,;:!?…-')}".strip()


def _count_judged_chars(transcript: str) -> int:
    """Return how many characters of the transcript, in whole words, are compared with what the assistant said."""
    head = transcript[:TRANSCRIPT_MAX_CHARS]
    if len(head) < len(transcript):
        head = head[: head.rfind(" ") + 1] or head
    words = list(islice(WORD.finditer(head), TRANSCRIPT_MAX_TOKENS + 1))
    return words[-1].start() if len(words) > TRANSCRIPT_MAX_TOKENS else len(head)


def is_backchannel(transcript: str) -> bool:
    """Return whether the transcript holds only backchannels ("mhm", "yeah, okay"), coughs and breaths, or nothing."""
    if len(transcript) > SHORT_MAX_CHARS:
        return False
    tokens = tokenize(_remove_noise(transcript))
    if "?" in transcript and all(token in ASKING_BACKCHANNELS for token in tokens):
        return not tokens
    while tokens:
        count = next((n for n in range(PHRASE_MAX_TOKENS, 0, -1) if _is_backchannel_phrase(tokens[:n])), 0)
        if not count:
            return False
        tokens = tokens[count:]
    return True


def is_hallucination(transcript: str) -> bool:
    """Return whether this is what recognisers make up on near silence.

    Ask it only where little speech was detected: people do say "bye".
    """
    if len(transcript) > SHORT_MAX_CHARS:
        return False
    sentences = [" ".join(tokenize(part)) for part in re.split(r"[.!?]+(?=\s|$)|[。！？\n]", _remove_noise(transcript))]
    return all(_is_invented(sentence) for sentence in sentences if sentence)


def _is_invented(sentence: str) -> bool:
    """Return whether the sentence is a known credit of subtitles, or one word again and again."""
    tokens = sentence.split()
    is_loop = len(tokens) >= LOOP_MIN_TOKENS and len(set(tokens)) == 1
    return sentence in CREDITS or sentence.startswith(CREDIT_STARTS) or is_loop


def _remove_noise(transcript: str) -> str:
    """Return the transcript without "[cough]", "(laughs)", "*sigh*" and "♪".

    A longer remark in brackets may be words.
    """
    return NOISE.sub(lambda found: " " if len(tokenize(found[0])) <= NOISE_MAX_TOKENS else found[0], transcript)


def _is_backchannel_phrase(tokens: list[str]) -> bool:
    """Return whether the tokens are a backchannel, also one with a sound drawn out ("mmmhm")."""
    phrase = " ".join(tokens)
    return any(
        written in BACKCHANNELS for written in (phrase, LONG_SOUND.sub(r"\1\1", phrase), LONG_SOUND.sub(r"\1", phrase))
    )


def _is_command(transcript: str) -> bool:
    """Return whether the transcript holds nothing but commands, such as "No, wait!" does."""
    parts = [" ".join(tokenize(part)) for part in re.split(r"[.,!?。、！？]", transcript)]
    return all(part in COMMANDS or all(word in COMMANDS for word in part.split()) for part in parts)


def _has_meaning(strays: list[str]) -> bool:
    """Return whether the words that the assistant did not say contain a command or an answer."""
    spans = ((n, m) for n in range(len(strays)) for m in range(n + 1, n + 1 + PHRASE_MAX_TOKENS))
    return any(" ".join(strays[n:m]) in MEANINGFUL for n, m in spans)


def _is_possible_answer(tokens: list[str], spoken: str) -> bool:
    """Return whether a few words may answer a question: "Tuesday" after "Monday or Tuesday?" is no echo."""
    return len(tokens) <= ANSWER_MAX_TOKENS and spoken.rstrip(" \"'»”").endswith(("?", "？"))


def _tokenize(text: str) -> list[str]:
    """Return the words of a text, or the characters of a script without spaces.

    Every number is "#", since it may be written in digits or in words.
    """
    return [
        "#" if token.isdigit() or token in NUMBERS else token for token in WORD.findall(text.lower().replace("’", "'"))
    ]


def _tokenize_spoken(spoken: str) -> list[str]:
    return _tokenize(spoken[-SPOKEN_MAX_CHARS:])[-SPOKEN_MAX_TOKENS:]


def _find_echo(transcript: list[str], spoken: list[str]) -> tuple[int, int, int]:
    """Return the start and the end of the tokens in `transcript` that follow `spoken`, and how many of them match."""
    by_pair = _index_by_pair(spoken)
    alike = {token: _find_closest(token, by_pair) for token in set(transcript).difference(spoken)}
    alike |= {token: token for token in spoken}
    matcher = SequenceMatcher(None, [alike[token] for token in transcript], spoken, autojunk=False)
    blocks = matcher.get_matching_blocks()[:-1]
    if not blocks:
        return 0, 0, 0
    largest = max(range(len(blocks)), key=lambda n: blocks[n].size)
    first = last = largest
    while first > 0 and _is_same_run(blocks[first - 1], blocks[first]):
        first -= 1
    while last + 1 < len(blocks) and _is_same_run(blocks[last], blocks[last + 1]):
        last += 1
    return blocks[first].a, blocks[last].a + blocks[last].size, sum(block.size for block in blocks[first : last + 1])


def _is_same_run(one: Match, other: Match) -> bool:
    """Return whether two matching runs belong to one echo.

    A gap of misheard words is about as long on both sides; a single word that matches further on is chance.
    """
    heard_gap, spoken_gap = other.a - (one.a + one.size), other.b - (one.b + one.size)
    is_chance = min(one.size, other.size) == 1 and abs(heard_gap - spoken_gap) > 1
    return heard_gap <= TRANSCRIPT_GAP and spoken_gap <= SPOKEN_GAP and not is_chance


def _find_closest(token: str, by_pair: dict[str, list[str]]) -> str:
    """Return the spoken word that `token` may have been misheard from, or `token` itself.

    Candidates are the words that share the most pairs of letters with it.
    """
    if len(token) not in FUZZY_CHARS:
        return token
    sharing = Counter(word for pair in _list_letter_pairs(token) for word in by_pair.get(pair, ()))
    words = [word for word, _ in sharing.most_common(FUZZY_CANDIDATES)]
    return next(iter(get_close_matches(token, words, 1, SIMILAR_WORD)), token)


def _index_by_pair(spoken: list[str]) -> dict[str, list[str]]:
    """Return the longer words by each pair of letters in them: similar words have at least one pair in common."""
    found: dict[str, list[str]] = {}
    for word in dict.fromkeys(spoken):
        for pair in _list_letter_pairs(word) if len(word) in FUZZY_CHARS else ():
            found.setdefault(pair, []).append(word)
    return found


def _list_letter_pairs(word: str) -> Iterable[str]:
    return dict.fromkeys(map("".join, pairwise(word)))
