"""Finding conversations by their words."""

import pytest
from django.db import connection

from accounts.models import User
from conversations.history.search import MOST_CHARS, find_conversations
from conversations.models import Conversation, Item
from tests.support.factories import make_conversation, make_user


@pytest.fixture
def owner(db: None) -> User:
    return make_user()


def search(words: str) -> set[str]:
    return {conversation.title for conversation in find_conversations(Conversation.objects.all(), words)}


def test_it_works(owner: User) -> None:
    make_conversation(owner, "今天天气很好，我们去公园吧！", title="Park")
    make_conversation(owner, "我们去学校吧。 The café is shut.", title="School")
    assert search("公园") == {"Park"}
    assert search("我们去") == {"Park", "School"}
    assert search("我们去 -公园") == search("我们去 -今天天气") == {"School"}
    assert search("公园 or cafe") == {"Park", "School"}
    assert search('"the cafe"') == {"School"}
    assert search('"cafe the"') == set()
    assert search("园公") == set()
    assert search("天气-公园") == {"Park"}


def test_one_letter_is_a_word_too(owner: User) -> None:
    make_conversation(owner, "我想喝水。", title="Water")
    make_conversation(owner, "请喝茶吧。", title="Tea")
    make_conversation(owner, "Nothing to drink.", title="Nothing")
    assert search("水") == {"Water"}
    assert search("茶 or 水") == search("水 OR 茶") == {"Water", "Tea"}
    assert search("喝 -茶") == search("喝 -水吧 -茶") == {"Water"}
    assert search("nothing or 茶") == {"Nothing", "Tea"}


def test_no_query_breaks_the_search(owner: User) -> None:
    make_conversation(owner, "Hello 水.")
    for words in (
        "-",
        '"',
        "-水",
        "水 -",
        "'水':*",
        '"水',
        "or 水",
        "\0水",
        "ʼ水",
        "水 水 -水水",
        "(((",
        "我" * 5_000,
        "a" * 5_000,
    ):
        search(words)
    assert search("x " * MOST_CHARS) == set()


@pytest.mark.parametrize("unit", ["我", "水火", "ก", "e\u0301", "a", "한", "ﷺ", "ab ", "ß"])
def test_the_longest_text_can_be_stored(owner: User, unit: str) -> None:
    conversation = make_conversation(owner, (unit * 100_000)[:100_000])
    many = "".join(chr(0x4E00 + number * 7 % 20_000) for number in range(100_000))
    conversation.items.update(text=many)
    assert Item.objects.filter(conversation=conversation).count() == 1


def test_a_changed_text_is_found_by_its_new_words(owner: User) -> None:
    conversation = make_conversation(owner, "Before.", title="One")
    conversation.items.update(text="Later café.")
    assert (search("before"), search("cafe")) == (set(), {"One"})
    item = conversation.items.get()
    item.text = "At last."
    item.save()
    assert (search("cafe"), search("last")) == (set(), {"One"})


def test_the_index_is_used(owner: User) -> None:
    """By the words themselves, so that a million items cost no more than those that have them."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT id FROM conversations_item WHERE search_words @@ to_tsquery('simple', '公园')")
        assert "item_words" in str(cursor.fetchall())
