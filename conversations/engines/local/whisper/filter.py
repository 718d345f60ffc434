"""What Whisper writes down where nobody spoke: loops, and sentences from the subtitles that it has learnt from."""

import zlib
from dataclasses import dataclass

import regex

MAX_NO_SPEECH = 0.6
MIN_LOGPROB = -1.2  # on the average of all tokens
MAX_COMPRESSION = 2.4  # bytes of the text for each byte of its zip; for speech about 1.5
COMPRESSED_FROM = 60  # bytes; shorter ones tell nothing
LONGEST_LOOP = 12  # words
LOOPS = 4  # so often in a row is a loop; people say "no, no, no"
SHORTEST_ECHO = 3  # words
ECHO_WORDS_PER_SEC = 4.5  # people do say a sentence twice, but not so fast

# Nobody says these to an assistant.
PHANTOMS = regex.compile(
    r"""
      (thanks|thank\ you)(\ (so|very)\ much)?\ for\ (watching|listening|viewing).*
    | (please\ )?(like\ and\ )?(don't\ forget\ to\ )?subscribe(\ (to|for)\ (my|our|the|this|more)\ (channel|videos).*)?
    | subtitles?\ (by|created|made).*   | .*amara\.?\ ?org.*     | transcri(bed|ption)\ by.*
    | untertitel.*(zdf|ard|funk|von|im\ auftrag|\d{4}).* | vielen\ dank\ fürs\ zuschauen
    | subtítulos.*(por|realizados|comunidad).*           | gracias\ por\ ver.*
    | sous-titr(es|age).*                                 | i'll\ see\ you\ in\ the\ next\ (video|one)
    """,
    regex.VERBOSE | regex.IGNORECASE,
)
# People do say these, so they count where the model is sure that somebody spoke.
DOUBTFUL = frozenset(
    {"thank you", "thanks", "thank you very much", "you", "bye", "bye bye", "goodbye", "so", "okay", "oh", "uh", "hmm",
     "mm", "the", "i", "yeah", "i'm sorry", "vielen dank", "danke", "gracias", "merci"}
)  # fmt: skip
DOUBTFUL_NO_SPEECH = 0.3
DOUBTFUL_LOGPROB = -0.9
NOTHING = regex.compile(r"[\W_]*")
ANNOTATION = regex.compile(r"\[[^\]]*\]|\([^)]*\)|[♪♫]+")  # "[BLANK_AUDIO]", "(wind blowing)"


@dataclass(frozen=True, slots=True)
class Found:
    """What the model found in one window."""

    text: str
    logprob: float  # of a token, on the average
    no_speech: float  # how likely it is that nobody spoke
    seconds: float  # of the sound


def filter_words(found: Found, prompt: str = "") -> str:
    """Return the words that somebody said, "" for none. `prompt` is what the model was shown before."""
    text = cut_echo(cut_loops(ANNOTATION.sub(" ", found.text).strip()), found.seconds)
    plain = normalise(text)
    if NOTHING.fullmatch(text) or found.no_speech > MAX_NO_SPEECH or found.logprob < MIN_LOGPROB:
        return ""
    if PHANTOMS.fullmatch(plain) or compute_compression(text) > MAX_COMPRESSION:
        return ""
    is_doubtful = plain in DOUBTFUL or f" {plain} " in f" {normalise(prompt)} "
    if is_doubtful and (found.no_speech > DOUBTFUL_NO_SPEECH or found.logprob < DOUBTFUL_LOGPROB):
        return ""
    return text


def normalise(text: str) -> str:
    """Return the words alone, in small letters, with one space between them."""
    return " ".join(regex.findall(r"[\p{L}\p{N}][\p{L}\p{N}'’.-]*(?<![.-])", text.casefold()))


def cut_loops(text: str) -> str:
    """Return the text without what the model repeats without an end."""
    words = text.split(" ")
    keys = _fold(words)
    at = 0
    while at < len(keys):
        for length in range(1, LONGEST_LOOP + 1):
            loop, times = keys[at : at + length], 1
            while keys[at + times * length : at + (times + 1) * length] == loop:
                times += 1
            if times > LOOPS and any(loop):
                del words[at + length : at + times * length]
                del keys[at + length : at + times * length]
        at += 1
    return " ".join(words)


def cut_echo(text: str, seconds: float) -> str:
    """Return the text once that the model has written twice, since what is left of the window is silent."""
    words = text.split()
    keys, half = _fold(words), len(words) // 2
    is_twice = half >= SHORTEST_ECHO and keys[:half] == keys[half:]
    return " ".join(words[:half]) if is_twice and len(words) > ECHO_WORDS_PER_SEC * seconds else text


def _fold(words: list[str]) -> list[str]:
    return [word.casefold().strip(".,!?;:") for word in words]


def compute_compression(text: str) -> float:
    """Return how much shorter a zip of the text is, 1.0 for a short one."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if len(raw) >= COMPRESSED_FROM else 1.0
