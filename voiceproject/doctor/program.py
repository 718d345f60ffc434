"""The program itself: Python, and the packages that it was tested with."""

import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import django

from voiceproject.doctor.findings import Finding, Options, fine, note, problem
from voiceproject.settings.env import BASE_DIR

PYTHONS = ((3, 11), (3, 14))  # the oldest and the newest that the site is tested on
SHOWN = 5
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)( ;)?", re.MULTILINE)


def check(_: Options) -> Iterator[Finding]:
    """Look at Python and the packages."""
    yield _check_python(sys.version_info[:2])
    if (lock := BASE_DIR / "requirements.txt").exists():  # the image has none: it is built from it
        yield _check_packages(lock)


def _check_python(version: tuple[int, int]) -> Finding:
    text = f"Python {platform.python_version()}, Django {django.__version__}."
    if PYTHONS[0] <= version <= PYTHONS[1]:
        return fine(text)
    oldest, newest = (".".join(map(str, one)) for one in PYTHONS)
    return problem(text, f"Use Python {oldest} to {newest}: the site is tested on those.")


def _check_packages(lock: Path) -> Finding:
    """Compare the installed packages with the lock. One may be pinned twice there, for different machines."""
    pinned: dict[str, set[str]] = {}
    needed: set[str] = set()
    for name, version, marker in PIN.findall(lock.read_text()):
        pinned.setdefault(name, set()).add(version)
        needed |= set() if marker else {name}
    installed = {name: _find_version(name) for name in pinned}
    missing = sorted(name for name in needed if not installed[name])
    others = sorted(f"{name} {has}" for name, has in installed.items() if has and has not in pinned[name])
    advice = "Install what the site was tested with: pip install --require-hashes --requirement requirements.txt."
    if missing:
        return problem(f"Packages are missing: {_shorten(missing)}.", advice)
    if others:
        return note(f"Packages have other versions than those that were tested: {_shorten(others)}.", advice)
    return fine(f"The {len(needed):,} packages that every machine needs have the versions that were tested.")


def _find_version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _shorten(names: list[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
