"""A file that has grown too long holds more than one thing: part it by what the things are."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KINDS = (".py", ".js", ".ts", ".mjs", ".css")
MOST_LINES = {
    "accounts": 250,
    "conversations": 250,
    "voiceproject": 250,
    "bench": 250,
    "static/css": 250,
    "static/js": 250,
    "tests": 400,  # one subject has many cases
}


@pytest.mark.parametrize(("room", "most"), MOST_LINES.items())
def test_no_file_is_too_long(room: str, most: int) -> None:
    command = ["git", "ls-files", room]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    files = [ROOT / name for name in names if name.endswith(KINDS) and "/migrations/" not in name]
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files}
    assert lines
    assert {path: count for path, count in lines.items() if count > most} == {}
