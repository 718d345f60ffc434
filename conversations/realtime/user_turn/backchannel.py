"""Words heard while the assistant speaks: its own voice from the loudspeaker, a listener's nod, or a wish to speak.

The trade: what is wrongly taken for the user's words only interrupts the assistant; what is wrongly taken for an echo
or a nod swallows the user. So a command ("stop", "wait", "no") by itself is always the user's, and so are short words
that answer what is being asked; everything else has to match closely to be an echo.
"""

import re
from collections import Counter
from collections.abc import Iterable
from difflib import Match, SequenceMatcher, get_close_matches
from itertools import islice, pairwise

from conversations.realtime.text.languages import LANGUAGES, cjk
from conversations.realtime.text.languages.language import TOKEN, tokenize
from conversations.realtime.text.languages.silence import CREDIT_STARTS, CREDITS

ECHO_SHARE = 0.8  # of the heard words: a recogniser gets one in five of a loudspeaker's words wrong
SIMILAR_WORD = 0.75  # of the letters, in words of at least FUZZY_MIN_CHARS
FUZZY_CHARS = range(4, 41)
FUZZY_CANDIDATES = 5
MIXED_MIN_TOKENS = 4
ANSWER_MAX_TOKENS = 3
HEARD_GAP, SPOKEN_GAP = 2, 3  # words misheard, and words missed, within one echo
PHRASE_MAX_TOKENS = 3
LOOP_MIN_TOKENS = 5
SHORT_MAX_CHARS = 400  # nobody nods for longer
# What is compared is bounded, since its cost is the product of both: some 40 s of what was heard, from its beginning,
# which is where a reply still sounded; and the last minute of what was said. What is heard beyond is the user's own.
HEARD_MAX_CHARS, HEARD_MAX_TOKENS = 1_000, 150
SPOKEN_MAX_CHARS, SPOKEN_MAX_TOKENS = 1_500, 300

COMMANDS = frozenset(cjk.COMMANDS).union(*(language.commands for language in LANGUAGES.values()))
NODS = frozenset(cjk.NODS).union(*(language.nods for language in LANGUAGES.values()))
ANSWERS = frozenset(cjk.ANSWERS).union(*(language.answers for language in LANGUAGES.values()))
MEANINGFUL = COMMANDS | ANSWERS
NUMBERS = frozenset[str]().union(*(language.digits | language.tens for language in LANGUAGES.values()))
WORD = re.compile(rf"[\u3040-\u30ff\u3400-\u9fff]|(?:(?![\u3040-\u30ff\u3400-\u9fff]){TOKEN.pattern})")
NOISE = re.compile(r"\[[^\]]*\]|\([^)]*\)|（[^）]*）|\*[^*]*\*|<[^>]*>|[♪♫…]")
NOISE_MAX_TOKENS = 3
ASKING_NODS = frozenset({"huh", "hm", "hmm", "eh", "right", "ok", "okay"})  # with a question mark these want an answer
LONG_SOUND = re.compile(r"(\w)\1{2,}")


def is_echo(heard: str, spoken: str) -> bool:
    """`heard` is a run of `spoken`, the assistant's words that were sounding around then."""
    if _count_judged_chars(heard) < len(heard):
        return False
    tokens = _tokenize(heard)
    if not tokens or _is_command(heard) or _is_possible_answer(tokens, spoken):
        return False
    start, end, matched = _find_echo(tokens, _tokenize_spoken(spoken))
    strays = [*tokens[:start], "", *tokens[end:]]
    return not _has_meaning(strays) and matched >= ECHO_SHARE * len(tokens)


def remove_echo(heard: str, spoken: str) -> str:
    """The user's own words of a mixture. A user who repeats a few of the assistant's words keeps them."""
    if is_echo(heard, spoken):
        return ""
    judged = heard[: _count_judged_chars(heard)]
    found = list(WORD.finditer(judged))
    start, end, matched = _find_echo(_tokenize(judged), _tokenize_spoken(spoken))
    if matched < MIXED_MIN_TOKENS:
        return heard
    before, after = heard[: found[start].start()], heard[found[end - 1].end() :]
    return f"{before.strip()} {after.lstrip(' .,;:!?…-')}".strip()


def _count_judged_chars(heard: str) -> int:
    """How much of what was heard, in whole words, is compared with what was said."""
    head = heard[:HEARD_MAX_CHARS]
    if len(head) < len(heard):
        head = head[: head.rfind(" ") + 1] or head
    words = list(islice(WORD.finditer(head), HEARD_MAX_TOKENS + 1))
    return words[-1].start() if len(words) > HEARD_MAX_TOKENS else len(head)


def is_backchannel(heard: str) -> bool:
    """Nothing but nods ("mhm", "yeah, okay"), coughs and breaths; also where no word was heard at all."""
    if len(heard) > SHORT_MAX_CHARS:
        return False
    tokens = tokenize(_remove_noise(heard))
    if "?" in heard and all(token in ASKING_NODS for token in tokens):
        return not tokens
    while tokens:
        count = next((n for n in range(PHRASE_MAX_TOKENS, 0, -1) if _is_nod(tokens[:n])), 0)
        if not count:
            return False
        tokens = tokens[count:]
    return True


def is_hallucination(heard: str) -> bool:
    """What a recogniser makes up on near silence. Ask it only where little speech was seen: "bye" is also said."""
    if len(heard) > SHORT_MAX_CHARS:
        return False
    sentences = [" ".join(tokenize(part)) for part in re.split(r"[.!?]+(?=\s|$)|[。！？\n]", _remove_noise(heard))]
    return all(_is_invented(sentence) for sentence in sentences if sentence)


def _is_invented(sentence: str) -> bool:
    tokens = sentence.split()
    is_loop = len(tokens) >= LOOP_MIN_TOKENS and len(set(tokens)) == 1
    return sentence in CREDITS or sentence.startswith(CREDIT_STARTS) or is_loop


def _remove_noise(heard: str) -> str:
    """Without "[cough]", "(laughs)", "*sigh*", "♪"; longer remarks in brackets may be words."""
    return NOISE.sub(lambda found: " " if len(tokenize(found[0])) <= NOISE_MAX_TOKENS else found[0], heard)


def _is_nod(tokens: list[str]) -> bool:
    phrase = " ".join(tokens)
    return any(written in NODS for written in (phrase, LONG_SOUND.sub(r"\1\1", phrase), LONG_SOUND.sub(r"\1", phrase)))


def _is_command(heard: str) -> bool:
    """Nothing but commands: "No, wait!" """
    parts = [" ".join(tokenize(part)) for part in re.split(r"[.,!?。、！？]", heard)]
    return all(part in COMMANDS or all(word in COMMANDS for word in part.split()) for part in parts)


def _has_meaning(strays: list[str]) -> bool:
    """A command or an answer is among the words that the assistant did not say."""
    spans = ((n, m) for n in range(len(strays)) for m in range(n + 1, n + 1 + PHRASE_MAX_TOKENS))
    return any(" ".join(strays[n:m]) in MEANINGFUL for n, m in spans)


def _is_possible_answer(tokens: list[str], spoken: str) -> bool:
    """ "Tuesday" after "Monday or Tuesday?" is rather the choice than the echo."""
    return len(tokens) <= ANSWER_MAX_TOKENS and spoken.rstrip(" \"'»”").endswith(("?", "？"))


def _tokenize(text: str) -> list[str]:
    """Words, or single characters of a script without spaces; every number is alike, however it was written."""
    return [
        "#" if token.isdigit() or token in NUMBERS else token for token in WORD.findall(text.lower().replace("’", "'"))
    ]


def _tokenize_spoken(spoken: str) -> list[str]:
    return _tokenize(spoken[-SPOKEN_MAX_CHARS:])[-SPOKEN_MAX_TOKENS:]


def _find_echo(heard: list[str], spoken: list[str]) -> tuple[int, int, int]:
    """Start and end of the stretch of `heard` that follows `spoken`, and how many of its words do."""
    by_pair = _index_by_pair(spoken)
    alike = {token: _find_closest(token, by_pair) for token in set(heard).difference(spoken)}
    alike |= {token: token for token in spoken}
    matcher = SequenceMatcher(None, [alike[token] for token in heard], spoken, autojunk=False)
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
    """A gap of misheard words is about as long on both sides; a single word further on is there by chance."""
    heard_gap, spoken_gap = other.a - (one.a + one.size), other.b - (one.b + one.size)
    is_chance = min(one.size, other.size) == 1 and abs(heard_gap - spoken_gap) > 1
    return heard_gap <= HEARD_GAP and spoken_gap <= SPOKEN_GAP and not is_chance


def _find_closest(token: str, by_pair: dict[str, list[str]]) -> str:
    """The spoken word that `token` was misheard from: of those that share the most pairs of letters with it."""
    if len(token) not in FUZZY_CHARS:
        return token
    sharing = Counter(word for pair in _list_letter_pairs(token) for word in by_pair.get(pair, ()))
    words = [word for word, _ in sharing.most_common(FUZZY_CANDIDATES)]
    return next(iter(get_close_matches(token, words, 1, SIMILAR_WORD)), token)


def _index_by_pair(spoken: list[str]) -> dict[str, list[str]]:
    """The longer words by each pair of letters in them: two that are alike have one in common."""
    found: dict[str, list[str]] = {}
    for word in dict.fromkeys(spoken):
        for pair in _list_letter_pairs(word) if len(word) in FUZZY_CHARS else ():
            found.setdefault(pair, []).append(word)
    return found


def _list_letter_pairs(word: str) -> Iterable[str]:
    return dict.fromkeys(map("".join, pairwise(word)))
