"""Voices that come as installed packages, and are not fetched: packaged.toml."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

PATH = Path(__file__).with_name("packaged.toml")


@dataclass(frozen=True)
class PackagedVoice:
    """A voice that is a package, with its licence and where it was first published."""

    name: str
    title: str
    package: str
    languages: tuple[str, ...]
    licence: str
    licence_notes: str
    origin: str

    @property
    def version(self) -> str:
        """Return the version that is installed, or ""."""
        try:
            return distribution(self.package).version
        except PackageNotFoundError:
            return ""

    @property
    def size_bytes(self) -> int:
        """Return what it takes on the disk; 0 if it is not installed."""
        try:
            return sum(file.size or 0 for file in distribution(self.package).files or ())
        except PackageNotFoundError:
            return 0


@cache
def load_packaged() -> tuple[PackagedVoice, ...]:
    """Return the voices that packages may bring."""
    entries = tomllib.loads(PATH.read_text())["voices"]
    return tuple(PackagedVoice(**{**entry, "languages": tuple(entry["languages"])}) for entry in entries)
