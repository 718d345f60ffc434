"""From what the model writes to what is spoken."""

import pytest

from conversations.realtime.speech_text import SpeechText


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
