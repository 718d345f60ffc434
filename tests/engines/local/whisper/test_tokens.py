from pathlib import Path

import pytest

from conversations.engines.local.whisper.tokens import Tokens, read_tokens


@pytest.fixture(scope="module")
def tokens(models: Path) -> Tokens:
    return read_tokens(models / "whisper-tiny.en/tokenizer.json")


@pytest.mark.parametrize(
    "text",
    [
        " Hello, how are you?",
        " It's 12:30 — don't worry!",
        "Ärger über Straßen",
        "日本語と한국어",
        "🎙️ 👍",
        " ",
        "a\n\n b",
        "",
    ],
)
def test_there_and_back(tokens: Tokens, text: str) -> None:
    assert tokens.decode(tokens.encode(text)) == text


def test_it_encodes_as_gpt_2_does(tokens: Tokens) -> None:
    """The numbers are those that OpenAI's own tokenizer gives."""
    assert tokens.encode(" Hello world") == [18435, 995]
    assert tokens.encode("Hello world") == [15496, 995]
    assert tokens.encode(" indivisible") == [773, 452, 12843]


def test_a_character_that_is_not_complete_is_left_out(tokens: Tokens) -> None:
    assert tokens.decode(tokens.encode(" yes 👍")[:-1]).strip() == "yes"
    assert tokens.decode([tokens.end, 10**9]) == ""


def test_what_a_transcript_begins_with(tokens: Tokens) -> None:
    assert tokens.build_start("") == [50257, 50362]
    assert tokens.build_start("de") == [50257, 50260, 50358, 50362]
    assert tokens.build_prompt("Postgres", 10) == [50360, *tokens.encode(" Postgres")]
    assert len(tokens.build_prompt("one two three four five", 3)) == 4
    assert tokens.build_prompt("  ", 10) == []


@pytest.mark.parametrize(
    ("code", "found"), [("de-AT", "de"), ("EN", "en"), ("nb", "no"), ("zh_CN", "zh"), ("tlh", ""), ("", "")]
)
def test_languages(tokens: Tokens, code: str, found: str) -> None:
    assert tokens.find_language(code) == found


def test_one_long_word_is_encoded_in_pieces(tokens: Tokens) -> None:
    assert tokens.decode(tokens.encode("x" * 5_000)) == "x" * 5_000
