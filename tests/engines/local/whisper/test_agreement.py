import pytest

from conversations.engines.local.whisper.agreement import LocalAgreement


def play(*passes: str) -> list[str]:
    """Return what is shown after each pass."""
    agreement = LocalAgreement()
    shown = []
    for text in passes:
        agreement.add(text)
        shown.append(agreement.shown)
    return shown


def test_it_works() -> None:
    assert play("Hello.", "Hello, how", "Hello, how are you?", "Hello, how are you today?") == [
        "",
        "Hello",
        "Hello, how",
        "Hello, how are you",
    ]


def test_a_guess_is_not_shown() -> None:
    assert play("The low", "Hello how", "Hello how are") == ["", "", "Hello how"]


def test_it_tells_whether_more_is_shown() -> None:
    agreement = LocalAgreement()
    assert [agreement.add(text) for text in ("Yes", "yes!", "Yes.", "Yes, I")] == [False, True, False, False]


def test_what_is_shown_stays() -> None:
    assert play("One two", "One two", "A new thought", "A new thought", "One two three", "One two three") == [
        "", "One two", "One two", "One two", "One two", "One two three",
    ]  # fmt: skip


def test_a_pass_without_words_begins_anew() -> None:
    assert play("One", "", "One") == ["", "", ""]


@pytest.mark.parametrize(
    ("first", "second", "shown"), [("今日は良い", "今日は良い天気", "今日は良い"), ("สวัสดี", "สวัสดีครับ", "สวัสดี")]
)
def test_scripts_without_spaces(first: str, second: str, shown: str) -> None:
    assert play(first, second)[-1] == shown
