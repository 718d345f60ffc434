import pytest

from conversations.history import summaries
from conversations.models import FIRST_WORDS_LENGTH, Conversation, Item
from tests.support.factories import add_item, make_conversation

pytestmark = pytest.mark.django_db


def get_heading(conversation: Conversation) -> str:
    fresh = Conversation.objects.get(pk=conversation.pk)
    summaries.add_summaries([fresh])
    return str(fresh)


def test_a_conversation_is_called_by_its_title_then_its_first_words_then_its_date() -> None:
    conversation = make_conversation()
    assert get_heading(conversation).startswith("Conversation of 20")
    add_item(conversation, "", role="user")
    add_item(conversation, "Ahoy!", role="assistant")
    add_item(conversation, "How do tides work?", role="user")
    assert get_heading(conversation) == "How do tides work?"
    Conversation.objects.update(title="Tides")
    assert get_heading(conversation) == "Tides"


def test_long_first_words_are_cut() -> None:
    shown = get_heading(make_conversation(None, "word " * 100))
    assert shown.endswith("…")
    assert len(shown) <= FIRST_WORDS_LENGTH


def test_the_length_is_that_of_all_sound() -> None:
    conversation = make_conversation(None, "One", "Two", sound=True)
    summaries.add_summaries([conversation])
    assert conversation.audio_ms == 400


@pytest.mark.parametrize(
    ("text", "heard", "played", "unheard"),
    [
        ("One. Two.", None, "One. Two.", ""),
        ("One. Two.", "One. Two.", "One. Two.", ""),
        ("One. Two.", "One.", "One.", "Two."),
        ("One. Two.", "", "", "One. Two."),
        ("**One.** Two.", "One.", "One.", "**One.** Two."),
    ],
)
def test_heard_and_generated(text: str, heard: str | None, played: str, unheard: str) -> None:
    item = Item(text=text, heard_text=heard)
    assert (item.played_text, item.unheard_text, item.was_cut) == (played, unheard, bool(unheard))
