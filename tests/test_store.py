"""The door to the database: order, ownership of positions, and sessions side by side."""

import asyncio
from threading import Barrier
from uuid import uuid4

import pytest

from accounts.models import User
from conversations import store
from conversations.models import Assistant, AudioClip, ClipData, Conversation
from conversations.realtime.items import Item, Usage

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def user(committed_db: None) -> User:
    return User.objects.create_user(f"{uuid4().hex}@example.com")


@pytest.fixture
def conversation(user: User) -> Conversation:
    return Conversation.objects.create(user=user)


def said(name: str) -> Item:
    return Item(name, role="user", text=name)


async def order(conversation: Conversation) -> list[str]:
    items = conversation.items.order_by("position")
    return [name async for name in items.values_list("public_id", flat=True)]


async def test_items_keep_their_order(conversation: Conversation) -> None:
    for name, after in (("one", None), ("two", None), ("zero", "root"), ("middle", "one"), ("last", None)):
        await store.save_item(conversation.pk, said(name), after, b"")
    assert await order(conversation) == ["zero", "one", "middle", "two", "last"]


async def test_saving_again_changes_the_item_and_counts_it_once(conversation: Conversation) -> None:
    for text in ("a", "ab"):
        await store.save_item(conversation.pk, Item("one", role="assistant", text=text), None, b"")
    await conversation.arefresh_from_db()
    assert conversation.item_count == 1
    assert (await conversation.items.aget()).text == "ab"


async def test_the_title_is_what_the_user_said_first(conversation: Conversation) -> None:
    await store.save_item(conversation.pk, Item("greeting", role="assistant", text="Welcome!"), None, b"")
    await store.save_item(conversation.pk, Item("empty", role="user"), None, b"")
    await store.save_item(conversation.pk, said("How tall is the Eiffel tower?"), None, b"")
    await store.save_item(conversation.pk, said("And how old?"), None, b"")
    await conversation.arefresh_from_db()
    assert conversation.title == "How tall is the Eiffel tower?"


async def test_errors_are_counted_once(conversation: Conversation) -> None:
    for _ in range(2):
        await store.save_item(conversation.pk, Item("one", role="assistant", error_code="engine_timeout"), None, b"")
    await conversation.arefresh_from_db()
    assert conversation.error_count == 1


async def test_an_item_is_removed_with_its_sound(conversation: Conversation) -> None:
    item = Item("one", role="user", is_audio=True, audio_samples=24_000)
    await store.save_item(conversation.pk, item, None, bytes(48_000))
    clip = await AudioClip.objects.aget(item__conversation=conversation)
    assert await ClipData.objects.filter(name=clip.file.name).aexists()
    await store.remove_item(conversation.pk, "one")
    assert not await ClipData.objects.filter(name=clip.file.name).aexists()
    await conversation.arefresh_from_db()
    assert conversation.item_count == 0


async def test_two_sessions_of_one_conversation_do_not_collide(conversation: Conversation) -> None:
    names = [f"item{number}" for number in range(20)]
    await asyncio.gather(*(store.save_item(conversation.pk, said(name), None, b"") for name in names))
    assert sorted(await order(conversation)) == sorted(names)


async def test_sessions_work_side_by_side() -> None:
    """Four calls that each wait for the other three: on one thread they would wait for ever."""
    meeting = Barrier(4, timeout=20)
    meet = store.in_thread(meeting.wait)
    assert sorted(await asyncio.gather(*(meet() for _ in range(4)))) == [0, 1, 2, 3]


async def test_an_assistant_of_another_user_is_not_there(user: User) -> None:
    stranger = await User.objects.acreate(email=f"{uuid4().hex}@example.com")
    slug = uuid4().hex
    await Assistant.objects.acreate(slug=slug, name="Secret", owner=stranger, instructions="")
    with pytest.raises(store.NotFoundError):
        await store.open_conversation(store.Caller(user.pk), "", slug, "")
    opened = await store.open_conversation(store.Caller(user.pk), "", "", slug)  # as a model name: the default
    assert opened.assistant_slug != slug


async def test_a_deleted_conversation_takes_nothing_more(conversation: Conversation) -> None:
    await Conversation.objects.filter(pk=conversation.pk).adelete()
    with pytest.raises(store.NotFoundError):
        await store.save_item(conversation.pk, said("late"), None, b"")


async def test_how_it_listens_is_the_assistants_choice_and_patience_the_users_first(user: User) -> None:
    slug, caller = uuid4().hex, store.Caller(user.pk)
    await Assistant.objects.acreate(
        slug=slug, name="A", owner=user, instructions="", patience="patient", keywords="Ann, Bo\nAnn", speculation=False
    )
    opened = await store.open_conversation(caller, "", slug, "")
    assert (opened.patience, opened.keywords, opened.speculation) == ("patient", ("Ann", "Bo"), False)
    await User.objects.filter(pk=user.pk).aupdate(patience="quick")
    assert (await store.open_conversation(caller, "", slug, "")).patience == "quick"
    stranger = await User.objects.acreate(email=f"{slug}@example.com")
    opened = await store.open_conversation(store.Caller(stranger.pk), "", "", "")
    assert (opened.patience, opened.keywords, opened.speculation) == ("", (), True)


async def test_what_was_spent_is_stored_and_what_was_wasted_too(conversation: Conversation) -> None:
    spent = Usage(1.5, 900, 80, 700, 120, 850, 30, 40)
    await store.save_item(conversation.pk, Item("one", role="assistant", usage=spent), None, b"")
    row = await conversation.items.aget()
    stored = (row.stt_seconds, row.input_tokens, row.output_tokens, row.cached_input_tokens, row.tts_characters)
    assert stored == (1.5, 900, 80, 700, 120)
    discarded = (row.discarded_input_tokens, row.discarded_output_tokens, row.discarded_tts_characters)
    assert discarded == (850, 30, 40)
