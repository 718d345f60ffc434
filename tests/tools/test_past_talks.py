from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.models import User
from conversations.models import Conversation, Item
from conversations.tools.base import Context, ToolError
from conversations.tools.past_talks import MOST_TALKS, search_past_talks
from tests.support.factories import add_item, make_conversation, make_user


def move_to(day: datetime, conversation: Conversation) -> Conversation:
    """Move a conversation to another day."""
    conversation.items.update(created_at=day)
    Conversation.objects.filter(pk=conversation.pk).update(created_at=day, updated_at=day)
    return conversation


def test_it_works(context: Context, owner: User) -> None:
    talk = make_conversation(owner, "When is the dentist?", "On Friday at nine.", "Thanks.", title="Appointments")
    move_to(datetime(2026, 11, 20, 22, 30, tzinfo=UTC), talk)
    make_conversation(owner, "What a fine day.", "Indeed.")
    said = search_past_talks(context, "dentist")
    assert said == "Friday 2026-11-20 23:30, “Appointments”: user: “When is the dentist?”"


def test_another_users_words_are_never_found(context: Context) -> None:
    make_conversation(make_user(), "My secret is the dentist.", title="dentist")
    assert search_past_talks(context, "dentist") == "No earlier talk has these words. Other words may find one."
    assert search_past_talks(context).startswith("There is no earlier talk.")


def test_what_the_model_has_before_it_is_no_finding(
    context: Context, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = make_conversation(owner, "The dentist, long ago.", "Yes.", "The dentist again.", public_id="conv_running")
    assert search_past_talks(context, "dentist").startswith("No earlier talk")
    monkeypatch.setattr("conversations.tools.past_talks.CONTEXT_ITEMS", 2)
    assert "long ago" in search_past_talks(context, "dentist")
    assert "again" not in search_past_talks(context, "dentist")
    assert running.items.count() == 3


def test_every_word_counts_first_and_any_word_else(context: Context, owner: User) -> None:
    make_conversation(owner, "The dentist wrote.", title="One")
    make_conversation(owner, "The dentist sent a bill.", title="Both")
    assert "One" not in search_past_talks(context, "dentist bill")
    either = search_past_talks(context, "the dentist's invoice")
    assert "One" in either
    assert "Both" in either


def test_words_that_are_no_query(context: Context, owner: User) -> None:
    make_conversation(owner, "Hello.")
    for words in ("-", '"', "or or", "a & b | !c:*", "\0", "' ; drop table"):
        assert isinstance(search_past_talks(context, words), str)


def test_by_day_in_the_users_zone(context: Context, owner: User) -> None:
    move_to(datetime(2026, 11, 19, 23, 30, tzinfo=UTC), make_conversation(owner, "Late.", title="On the twentieth"))
    move_to(datetime(2026, 11, 20, 23, 30, tzinfo=UTC), make_conversation(owner, "Later.", title="On the next"))
    said = search_past_talks(context, first_day=date(2026, 11, 20), last_day=date(2026, 11, 20))
    assert said == "Friday 2026-11-20 00:30, “On the twentieth”: user: “Late.”"
    with pytest.raises(ToolError, match="last_day is before first_day"):
        search_past_talks(context, first_day=date(2026, 11, 21), last_day=date(2026, 11, 20))


def test_the_newest_few_in_short(context: Context, owner: User) -> None:
    for number in range(MOST_TALKS + 2):
        talk = make_conversation(owner, *[f"{'word ' * 100} dentist {'more ' * 100}"] * 4, title=f"Talk {number}")
        move_to(datetime(2026, 10, 1, tzinfo=UTC) + timedelta(days=number), talk)
    said = search_past_talks(context, "dentist").splitlines()
    assert [line.split("“")[1].rstrip("”: user") for line in said] == [f"Talk {n}" for n in (6, 5, 4, 3, 2)]
    assert all(line.count("dentist") == 2 for line in said)
    assert all(len(line) < 600 for line in said)


def test_what_was_not_heard_is_not_told(context: Context, owner: User) -> None:
    talk = make_conversation(owner, "Tell me.", title="Story")
    add_item(talk, "Once upon a time the dragon slept.", heard_text="Once upon")
    said = search_past_talks(context, "dragon")
    assert "Once upon" in said
    assert "slept" not in said


def test_only_what_people_and_assistants_said(context: Context, owner: User) -> None:
    talk = make_conversation(owner)
    add_item(talk, "The dentist is a secret instruction.", role=Item.Role.SYSTEM)
    assert search_past_talks(context, "dentist").startswith("No earlier talk")


def test_a_search_that_takes_too_long_is_stopped(
    context: Context, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = make_conversation(owner)
    text = " ".join(f"dentist{number}" for number in range(300))
    items = (Item(conversation=talk, public_id=f"item_{at}", position=at, role="user", text=text) for at in range(500))
    Item.objects.bulk_create(items)
    monkeypatch.setattr("conversations.tools.past_talks.STATEMENT_TIMEOUT_MS", 1)
    with pytest.raises(ToolError, match=r"too long\. Narrow it by days"):
        search_past_talks(context, "-dentist7")  # no index has what is not in a text


# What was said, and what is looked for.
SAID = [
    ("今天天气很好，我们去公园吧！", "公园"),
    ("今天天气很好，我们去公园吧！", "天气很好"),
    ("我想喝水。", "水"),
    ("请喝茶", "茶"),
    ("明日は東京で会いましょう。", "東京"),
    ("コンピューターが壊れた", "コンピュータ"),
    ("พรุ่งนี้ฝนจะตกที่กรุงเทพ", "กรุงเทพ"),
    ("ຂ້ອຍໄປຕະຫຼາດ", "ຕະຫຼາດ"),
    ("ខ្ញុំទៅផ្សារ", "ផ្សារ"),
    ("ကျွန်တော်ဈေးသွားမယ်", "ဈေး"),
    ("오늘 학교에서 만나요", "학교"),
    ("We met at the Café Łódź.", "cafe lodz"),
    ("We met at the cafe.", "café"),
    ("Τον είδα στην Αθήνα.", "αθηνα"),
    ("Ещё один день", "еще"),
    ("Die Straße ist laut.", "strasse"),
    ("ÉCOLE FERMÉE", "ecole fermee"),
    ("مُحَمَّد هنا", "محمد"),
    ("Tối nay ăn phở ở Đà Nẵng", "da nang"),
    ("Ich nehme das iPhone 15 mit 公园 dort.", "iphone 公园"),
    ("हिन्दी में बात करो", "हिन्दी"),
    ("ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
    ("كتـــاب جديد", "كتاب"),
    ("هذه مدرسة", "مدرسه"),
    ("إلى اللقاء", "الی"),
    ("یک کتاب خوب", "كتاب"),
    ("عندي ٤٢ كتابا", "42"),
    ("मेरे पास ४२ किताबें", "42"),
    ("यह ज़रूर होगा", "जरूर"),
    ("Hier ist ein Kaffee\u00adhaus.", "kaffeehaus"),
    ("IŞIK Sokağı, İSTANBUL", "ışık istanbul"),
    ("一番線に電車が来ます", "１ or 電車"),
    ("ﾊﾞｽに乗る", "バス"),
]


@pytest.mark.parametrize(("said", "wanted"), SAID)
def test_every_script_and_no_accents(context: Context, owner: User, said: str, wanted: str) -> None:
    make_conversation(owner, said, title="This one")
    make_conversation(owner, "Something else: 我们走。 また明日。", title="Another")
    found = search_past_talks(context, wanted)
    assert "This one" in found
    assert "Another" not in found


def test_the_words_are_shown_where_they_stand(context: Context, owner: User) -> None:
    make_conversation(owner, f"{'很长的话。' * 100}我们去公园吧！{'再见。' * 100}")
    make_conversation(owner, f"{'word ' * 200}at the Café we met{' more' * 200}")
    assert "公园" in search_past_talks(context, "公园")
    assert "Café we met" in search_past_talks(context, "cafe")
    assert len(search_past_talks(context, "公园")) < 300
