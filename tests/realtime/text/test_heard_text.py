"""From what was played to what was heard."""

import json
from pathlib import Path

import pytest

from conversations.realtime.text.heard_text import estimate_heard_text, split_units

CASES = json.loads((Path(__file__).parents[2] / "support" / "spoken_units.json").read_text())


@pytest.mark.parametrize(
    ("played_ms", "heard"),
    [
        (0, ""),
        (300, "One"),
        (1000, "One two."),
        (1100, "One two."),
        (1400, "One two. Three"),
        (2000, "One two. Three four."),
        (9000, "One two. Three four."),
    ],
)
def test_it_works(played_ms: int, heard: str) -> None:
    assert estimate_heard_text([("One two. ", 1000), ("Three four.", 1000)], played_ms).strip() == heard


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["clause"])
def test_words_share_the_time_as_on_the_page(case: dict[str, object]) -> None:
    """The same table that tests/js/reducer/speech_units.test.mjs reads."""
    clause, start, found = str(case["clause"]), 0, []
    for unit in split_units(clause):
        found.append([clause[start : unit.end], unit.said, unit.pause])
        start = unit.end
    assert found == case["units"]


@pytest.mark.parametrize(
    ("clause", "played_ms", "heard"),
    [
        ("In 1998 it was", 500, "In"),  # a year takes longer than four letters
        ("In 1998 it was", 1500, "In 1998"),
        ("Yes, of course", 600, "Yes,"),  # half a second of which is the pause
        ("e.g. this", 1000, "e.g."),
        ("我今天很好", 1000, "我今天"),  # a character counts once half of it was played
        ("[a](https://example.com/very/long/address) b", 1500, "[a](https://example.com/very/long/address) b"),
    ],
)
def test_it_takes_as_long_as_it_sounds(clause: str, played_ms: int, heard: str) -> None:
    assert estimate_heard_text([(clause, 2000)], played_ms) == heard


def test_a_silent_clause_takes_no_time() -> None:
    assert estimate_heard_text([("```code``` ", 0), ("Three four.", 1000)], 0) == "```code```"


def test_a_clause_of_signs_alone() -> None:
    assert estimate_heard_text([("🎉 ", 1000)], 500) == "🎉"
