"""What the doctor finds: sentences, each fine, worth knowing, or a problem with what to do about it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    FINE = "fine"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence on the site, and what to do about it; "" where there is nothing to do."""

    level: Level
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """What the doctor was asked for."""

    offline: bool = False  # ask nobody on the internet
    mail_to: str = ""  # where a mail is sent to, "" for none


Check = Callable[[Options], Iterable[Finding]]


def fine(text: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(Level.FINE, text)


def note(text: str, advice: str = "") -> Finding:
    """Return a finding that is worth knowing, and nothing to mend."""
    return Finding(Level.NOTE, text, advice)


def problem(text: str, advice: str) -> Finding:
    """Return a finding that must be mended."""
    return Finding(Level.PROBLEM, text, advice)


def count(number: int, noun: str) -> str:
    """Return the number with its noun, such as "1 file" or "2,000 files"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
