import pytest

from conversations.engines.demo.espeak import UnknownVoiceError
from conversations.engines.local.voices.espeak_phonemes import read_ipa


def test_punctuation_stays_where_it_was() -> None:
    assert read_ipa("Hello, world! Yes…", "en-us") == "həlˈoʊ, wˈɜːld! jˈɛs."


def test_letters_are_named_one_by_one() -> None:
    assert read_ipa("At nine a.m. today.", "en-us") == "æt nˈaɪn ˌeɪˈɛm tədˈeɪ."
    assert read_ipa("At nine a.m.", "en-us").endswith("ˈɛm.")


def test_another_language() -> None:
    assert read_ipa("¿Qué tal, muchacho?", "es", tie="^") == "kˈe tˈal, mut^ʃˈat^ʃo?"
    assert read_ipa("Über Straßen.", "de") == "ˌyːbɜ ʃtɾˈɑːsən."


@pytest.mark.parametrize("text", ["", "…", "\0", "((((", "x" * 40])
def test_no_text_is_too_strange(text: str) -> None:
    assert isinstance(read_ipa(text, "en-us"), str)


def test_an_unknown_voice() -> None:
    with pytest.raises(UnknownVoiceError):
        read_ipa("Hello.", "klingon-x")
