import re

import pytest

from conversations.engines.demo.eliza import Eliza, find_reply, reflect
from conversations.engines.demo.eliza_script import (
    FALLBACKS,
    GREETING,
    RECOLLECTIONS,
    REFLECTIONS,
    RULES,
    SILENCE,
)


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("Hello!", "Hello. How are you feeling today?"),
        ("I'm so sad today", "I am sorry to hear that you are sad. Do you know what brought it on?"),
        ("my mother hates me", "Tell me more about your mother."),
        ("I need you to help me", "Why do you want me to help you?"),
        ("I want a new job", "What would it mean to you if you got a new job?"),
        ("why can't I sleep", "Do you think you should be able to sleep?"),
        ("You are not very clever", "What makes you think that I am not very clever?"),
        ("it's late, but I don't like my bed", "Why do you not like your bed?"),
        ("who are you", "I am Eliza, the demonstration voice of this site. I answer by simple rules. "
                        "Do computers worry you?"),
        ("goodbye", "Goodbye. It was good to talk with you."),
        ("...", SILENCE),
        ("", SILENCE),
    ],
)  # fmt: skip
def test_it_works(said: str, reply: str) -> None:
    assert find_reply([said]) == reply


def test_it_greets_who_has_said_nothing_yet() -> None:
    assert find_reply([]) == GREETING


def test_the_strongest_phrase_wins() -> None:
    assert find_reply(["Yes, because my computer does not like me"]) == "Do computers worry you?"


def test_it_does_not_repeat_itself() -> None:
    said = ["yes"] * 3
    assert len({find_reply(said[:count]) for count in (1, 2, 3)}) == 3


def test_it_remembers_when_it_has_nothing_to_say() -> None:
    said = ["I worry because of my new job", "bananas are yellow"]
    assert find_reply(said) == "Earlier you spoke of your new job. Tell me more about that."
    assert find_reply([*said, "bananas are yellow"]) == FALLBACKS[0]


def test_a_stored_conversation_goes_on_where_it_stopped() -> None:
    said = ["hello", "my car is old", "yes", "bananas", "apples", "pears"]
    eliza = Eliza()
    assert [eliza.answer(words) for words in said] == [find_reply(said[: end + 1]) for end in range(len(said))]


@pytest.mark.parametrize(
    ("phrase", "turned"),
    [
        ("my dog loves you", "your dog loves me"),
        ("you are with me", "I am with you"),
        ("you know my name", "I know your name"),
        ("you to help me", "me to help you"),
        ("i was yours", "you were mine"),
        ("the myth of youth", "the myth of youth"),
    ],
)
def test_reflections(phrase: str, turned: str) -> None:
    assert reflect(phrase) == turned


def test_every_answer_can_be_spoken_and_filled() -> None:
    for rule in RULES:
        for answer in rule.answers:
            spoken = answer.format(*["word"] * rule.pattern.groups)
            assert re.fullmatch(r"[A-Z][\w ,.?'-]*[.?]", spoken), spoken
    for answer in (*FALLBACKS, *RECOLLECTIONS, SILENCE, GREETING):
        assert answer.endswith((".", "?"))
    assert all(value.strip() == value for value in REFLECTIONS.values())


def test_no_words_can_break_it() -> None:
    for said in ("{0} {}", "my {name} is }{", "I want %s \\1", "i am " + "very " * 2_000, "👍", "Ich bin müde"):
        assert find_reply([said])
