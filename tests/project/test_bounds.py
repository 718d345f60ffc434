"""docs/bounds.md names the test that breaks each bound; each test that it names is there."""

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = [line for line in (ROOT / "docs/bounds.md").read_text().splitlines() if line.startswith("| ")][1:]
NAMED = re.compile(r"`?(tests/[\w/.]+\.(?:py|mjs))(?:::(\w+))?`?")


def test_every_test_that_is_named_is_there() -> None:
    named = [(path, name) for row in ROWS for path, name in NAMED.findall(row.rsplit("|", 2)[1])]
    assert len(named) > 20
    assert not [one for one in named if not _has_test(*one)]


def test_what_stands_in_the_last_column_is_a_test() -> None:
    last = [row.rsplit("|", 2)[1].strip() for row in ROWS]
    assert not [cell for cell in last if not NAMED.search(cell)]


def test_no_bound_stands_there_twice() -> None:
    assert [what for what, times in Counter(row.split("|")[1].strip() for row in ROWS).items() if times > 1] == []


def _has_test(path: str, name: str) -> bool:
    file = ROOT / path
    return file.is_file() and (not name or f"def {name}(" in file.read_text())
