"""Recordings of people whose words were published with them, and the words in one form."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.speech_recordings import FOLDER, read_recording

PROMPTS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
PROMPT_TEXTS = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")
FEWEST_WORDS = 5  # of a prompt: shorter ones are parts of sentences
TAKEN = 2  # every second prompt
SENTENCE = re.compile(r"<s> (.*?) *</s> \((.*)\)")
UNITS: list[str] = re.findall(
    r"\w+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen",
)
TENS: list[str] = re.findall(r"\w+", "twenty thirty forty fifty sixty seventy eighty ninety")
SAME = {
    "mr": "mister",
    "voice mail": "voicemail",
    "file name": "filename",
    "black list": "blacklist",
    "mail box": "mailbox",
    "touch tone": "touchtone",
    "re record": "rerecord",
    "represenatives": "representatives",
    "i am": "i'm",
    "ok": "okay",
    "log in": "login",
    "e mail": "email",
}


@dataclass(frozen=True, slots=True)
class Recording:
    """What was said, and its sound at the rate of the site."""

    origin: str
    name: str
    text: str
    pcm: bytes


def list_recordings() -> list[Recording]:
    """Return all recordings of both packages."""
    return [*_list_sentences("librivox", "transcription"), *_list_sentences("cards", "cards.transcription"),
            *_list_prompts()]  # fmt: skip


def _list_sentences(name: str, file: str) -> Iterator[Recording]:
    for text, recording in SENTENCE.findall((FOLDER / name / file).read_text()):
        yield Recording(name, recording, normalise(text), read_recording(FOLDER / name / f"{recording}.wav"))


def _list_prompts() -> list[Recording]:
    lines = gzip.decompress(PROMPT_TEXTS.read_bytes()).decode().splitlines()
    pairs = [line.split(": ", 1) for line in lines if ": " in line and not re.search(r"[\[<(;]", line)]
    found = [(name, normalise(text)) for name, text in pairs if (PROMPTS / f"{name}.wav").is_file()]
    whole = [(name, text) for name, text in found if len(text.split()) >= FEWEST_WORDS]
    return [Recording("prompts", name, text, read_recording(PROMPTS / f"{name}.wav")) for name, text in whole[::TAKEN]]


def normalise(text: str) -> str:
    """Return the words in small letters, numbers below a hundred and single digits as words."""
    spelt = re.sub(r"\d+", lambda match: f" {spell(match[0])} ", text.lower())
    words = " ".join(re.findall(r"[a-z']+", spelt))
    for written, meant in SAME.items():
        words = re.sub(rf"\b{written}\b", meant, words)
    return words


def spell(digits: str) -> str:
    """Return a number as it is said: below a hundred in words, else digit by digit."""
    number = int(digits)
    if number < 20 and len(digits) < 3:
        return UNITS[number]
    if number < 100 and len(digits) == 2:
        return TENS[number // 10 - 2] + (f" {UNITS[number % 10]}" if number % 10 else "")
    return " ".join(UNITS[int(digit)] for digit in digits)
