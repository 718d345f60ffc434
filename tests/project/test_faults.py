"""docs/faults.md names the test that does each fault; each test that it names is there."""

import re

from tests.support.live import ROOT

ROWS = [line for line in (ROOT / "docs/faults.md").read_text().splitlines() if re.match(r"\| (?!fault |---)", line)]
NAMED = re.compile(r"`(tests/[\w/.]+\.(?:py|mjs))::(\w+)`")


def test_each_row_says_who_sees_what_and_names_a_test() -> None:
    assert len(ROWS) > 10
    for row in ROWS:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == 4, row
        assert all(cells), row
        assert NAMED.search(cells[3]), row


def test_every_test_that_is_named_is_there() -> None:
    missing = []
    for path, name in NAMED.findall("\n".join(ROWS)):
        file = ROOT / path
        if not file.is_file() or f"def {name}(" not in file.read_text():
            missing.append((path, name))
    assert missing == []
