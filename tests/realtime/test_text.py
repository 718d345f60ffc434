"""From what the model writes to what is spoken, and from what was played to what was heard."""

from time import process_time

import pytest

from conversations.realtime.clauses import ClauseChunker
from conversations.realtime.heard import heard_text
from conversations.realtime.speech_text import SpeechText

LONG = "This sentence is long enough to stand alone as one clause, is it not?"


def cut(text: str, step: int = 1) -> list[str]:
    chunker = ClauseChunker()
    clauses = [clause for start in range(0, len(text), step) for clause in chunker.feed(text[start : start + step])]
    return clauses + chunker.flush()


@pytest.mark.parametrize("step", [1, 3, 1000])
@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("", []),
        ("Yes.", ["Yes."]),
        ("Sure, I can tell you that. " + LONG, ["Sure, I can tell you that. ", LONG]),
        ("Once upon a time, there was a fox.", ["Once upon a time, ", "there was a fox."]),
        ("It costs 3.50 dollars at Dr. Smith's shop.", ["It costs 3.50 dollars at Dr. Smith's shop."]),
        (f"{LONG} {LONG}", [LONG[:59], f"{LONG[59:]} {LONG}"]),
        ("Wait... what did you say?! " + LONG, ["Wait... what did you say?! ", LONG]),
        ("他说：你好吗？我很好。" * 3, None),
    ],
)
def test_clauses(text: str, clauses: list[str] | None, step: int) -> None:
    assert "".join(cut(text, step)) == text
    if clauses is not None and step == 1:
        assert cut(text) == clauses


def test_a_flood_without_punctuation_is_cut_too() -> None:
    clauses = cut("word " * 200)
    assert max(map(len, clauses)) <= 240
    assert all(clause.endswith(" ") for clause in clauses)


@pytest.mark.parametrize("written", ["a. ", "One sentence, and more. ", ".", "word ", "x", "\n", " ", "3. "])
def test_a_long_reply_in_one_piece_is_cut_in_no_time(written: str) -> None:
    """Servers that do not stream send it so; a tenth of this once kept every other call waiting for a minute."""
    reply = (written * 100_000)[:100_000]
    started = process_time()
    clauses = cut(reply, step=len(reply))
    assert process_time() - started < 2.0
    assert "".join(clauses) == reply
    assert max(map(len, clauses)) <= 240


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("**Hello** _there_, `friend`!", "Hello there, friend!"),
        ("# Title\n- one\n- two", "Title one two"),
        ("See [the docs](https://example.com/a?b=c) or https://example.com/x.", "See the docs or example.com"),
        ("Well done 🎉👍🏽 indeed", "Well done indeed"),
        ("snake_case_name stays, 2 * 3 * 4 too", "snake_case_name stays, 2 * 3 * 4 too"),
        ("| a | b |\n|---|---|", "a , b ,"),
        ("<b>bold</b> 3 < 4", "bold 3 < 4"),
        ("🎉", ""),
        ("---", ""),
        ("…", ""),
    ],
)
def test_what_is_spoken(written: str, spoken: str) -> None:
    assert SpeechText().spoken(written) == spoken


def test_a_code_block_over_several_clauses_is_silent() -> None:
    text = SpeechText()
    parts = ["Look: ```python\n", "x = 1. y = 2.\n", "``` Done."]
    assert [text.spoken(part) for part in parts] == ["Look:", "", "Done."]


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
def test_what_was_heard(played_ms: int, heard: str) -> None:
    assert heard_text([("One two. ", 1000), ("Three four.", 1000)], played_ms).strip() == heard


def test_a_silent_clause_takes_no_time() -> None:
    assert heard_text([("```code``` ", 0), ("Three four.", 1000)], 0) == "```code```"
