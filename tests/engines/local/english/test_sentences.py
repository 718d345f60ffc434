import pytest

from conversations.engines.local.english.sentences import MAX_CHARS, MAX_WORD_CHARS, split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Yes. Is it? “It is!” Good", ["Yes.", "Is it?", "“It is!”", "Good"]),
        ("At nine a.m. we met J. Smith in the U.S. Army.", ["At nine a.m. we met J. Smith in the U.S. Army."]),
        (" … -- !", []),
        ("", []),
    ],
)
def test_it_works(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def test_a_long_sentence_is_cut_behind_a_comma_and_else_between_words() -> None:
    with_commas = split_sentences("one two three, " * 100)
    assert all(part.endswith("three,") for part in with_commas)
    without = split_sentences("one two three " * 100)
    assert " ".join(without) == ("one two three " * 100).strip()
    assert max(map(len, [*with_commas, *without])) <= MAX_CHARS


@pytest.mark.parametrize("part", ["a", ".", "a. ", " ", "a,", "'. ", "a-"])
def test_what_is_no_sentence_is_cut_all_the_same(part: str) -> None:
    parts = split_sentences((part * 500_000)[:500_000])
    assert all(len(part) <= MAX_CHARS for part in parts)
    assert all(len(word) <= MAX_WORD_CHARS for part in parts for word in part.split())
