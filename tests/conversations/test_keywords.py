import pytest
from django.core.exceptions import ValidationError

from conversations import keywords


def test_it_works() -> None:
    assert keywords.parse("Saoirse, Kraków\nGmünd ,  knee  brace\r\n,,\nSaoirse") == (
        "Saoirse",
        "Kraków",
        "Gmünd",
        "knee brace",
    )
    assert keywords.parse(" ,\n") == ()


def test_as_many_as_an_engine_takes() -> None:
    keywords.validate(", ".join(f"word {number} ".ljust(keywords.MOST_CHARS, "x") for number in range(keywords.MOST)))
    with pytest.raises(ValidationError, match="101 words; the limit is 100"):
        keywords.validate(", ".join(f"word {number}" for number in range(keywords.MOST + 1)))


def test_a_sentence_is_no_key_word() -> None:
    with pytest.raises(ValidationError, match=r"“y{50}…” has 51 characters; the limit is 50"):
        keywords.validate("fine, " + "y" * 51)


def test_each_script_has_its_own_comma() -> None:
    assert keywords.parse("东京，上海、大阪، دبي") == ("东京", "上海", "大阪", "دبي")
