import pytest

from conversations.engines.local.whisper.filter import Found, compute_compression, cut_echo, cut_loops, filter_words


def hear(text: str, logprob: float = -0.3, no_speech: float = 0.1, prompt: str = "") -> str:
    return filter_words(Found(text, logprob, no_speech, seconds=20.0), prompt)


def test_it_works() -> None:
    assert hear(" What is the weather like?") == "What is the weather like?"


@pytest.mark.parametrize(("logprob", "no_speech"), [(-1.3, 0.0), (-0.1, 0.7)])
def test_one_doubt_is_enough(logprob: float, no_speech: float) -> None:
    assert hear(" The weather.", logprob, no_speech) == ""


@pytest.mark.parametrize(
    "text",
    ["", " .", " ...", " [BLANK_AUDIO]", " (wind blowing)", " ♪♪", " Thanks for watching!",
     " Thank you so much for watching.", " Please subscribe to my channel.", " Subtitles by the Amara.org community",
     " Untertitel im Auftrag des ZDF für funk, 2017", " Untertitelung des ZDF, 2020", " ¡Gracias por ver el video!",
     " Sous-titrage ST' 501"],
)  # fmt: skip
def test_what_nobody_says(text: str) -> None:
    assert hear(text, -0.1, 0.0) == ""


def test_what_people_say_too_counts_when_the_model_is_sure() -> None:
    assert hear(" Thank you.") == "Thank you."
    assert hear(" Thank you.", no_speech=0.4) == ""
    assert hear(" You", logprob=-1.0) == ""
    assert hear(" Thank you for watching over him.") == ""
    assert hear(" You are right.", logprob=-1.0) == "You are right."


@pytest.mark.parametrize(
    "text", ["Subscribe me to the garden newsletter.", "Titles by Agatha Christie.", "Please subscribe her as well."]
)
def test_what_only_begins_like_a_subtitle(text: str) -> None:
    assert hear(text) == text


def test_its_own_prompt() -> None:
    prompt = "Voiceproject, Postgres"
    assert hear(" Postgres.", prompt=prompt) == "Postgres."
    assert hear(" Voiceproject, Postgres", no_speech=0.4, prompt=prompt) == ""


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("no no no", "no no no"),
        ("well no no no no no no no", "well no"),
        ("I think so. I think so. I think so. I think so. I think so. Yes", "I think so. Yes"),
        ("", ""),
    ],
)
def test_loops_are_cut(text: str, rest: str) -> None:
    assert cut_loops(text) == rest


def test_a_sentence_that_is_written_twice_was_said_once() -> None:
    text = "Press two to enter a different number. Press two to enter a different number."
    assert cut_echo(text, 2.5) == "Press two to enter a different number."
    assert cut_echo(text, 5.0) == text
    assert cut_echo("No, no.", 0.2) == "No, no."


def test_what_repeats_within_words() -> None:
    text = " Ha" + "ha" * 200
    assert compute_compression(text) > 2.4
    assert hear(text) == ""
    assert compute_compression("short") == 1.0


def test_a_megabyte_of_the_worst_takes_no_longer_than_its_length() -> None:
    assert len(cut_loops("a b " * 2_000 + "a c " * 2_000)) < 50
