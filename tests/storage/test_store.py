"""The door to the database: order, ownership of positions, and sessions side by side."""

import asyncio
from functools import partial
from threading import Barrier
from uuid import uuid4

import pytest

from accounts.models import User
from accounts.time_zones import UnknownTimeZoneError
from conversations.audio.opus import Encoding
from conversations.models import Assistant, AudioClip, ClipData, Conversation
from conversations.realtime.protocol.items import LiveItem, Usage
from conversations.storage import callers, database_threads, store
from conversations.storage.changes import Change, Drop, Put
from conversations.storage.leases import ConversationDeletedError

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def user(committed_db: None) -> User:
    return User.objects.create_user(f"{uuid4().hex}@example.com")


@pytest.fixture
def conversation(user: User) -> Conversation:
    return Conversation.objects.create(user=user)


def make_message(name: str) -> LiveItem:
    return LiveItem(name, role="user", text=name)


def make_spoken(name: str) -> Put:
    """Return the change that stores an item with a second of sound."""
    item = LiveItem(name, role="user", is_audio=True, audio_samples=24_000)
    return Put(item, make_clip=partial(Encoding().finish, bytes(48_000)))


async def save(conversation: Conversation, *items: LiveItem, after: str | None = None) -> None:
    await store.write(conversation.pk, [Put(item, after) for item in items])


async def list_order(conversation: Conversation) -> list[str]:
    items = conversation.items.order_by("position")
    return [name async for name in items.values_list("public_id", flat=True)]


async def test_items_keep_their_order(conversation: Conversation) -> None:
    for name, after in (("one", None), ("two", None), ("zero", "root"), ("middle", "one"), ("last", None)):
        await save(conversation, make_message(name), after=after)
    assert await list_order(conversation) == ["zero", "one", "middle", "two", "last"]


async def test_items_of_one_transaction_keep_their_order(conversation: Conversation) -> None:
    """Also behind one that was inserted as the last."""
    await save(conversation, make_message("one"))
    places = (("two", "one"), ("four", None), ("zero", "root"), ("three", "two"), ("five", "four"), ("six", None))
    await store.write(conversation.pk, [Put(make_message(name), after) for name, after in places])
    assert await list_order(conversation) == ["zero", "one", "two", "three", "four", "five", "six"]


async def test_saving_again_changes_the_item_and_counts_it_once(conversation: Conversation) -> None:
    for text in ("a", "ab"):
        await save(conversation, LiveItem("one", role="assistant", text=text))
    await conversation.arefresh_from_db()
    assert conversation.item_count == 1
    assert (await conversation.items.aget()).text == "ab"


async def test_a_model_with_a_long_name_does_not_keep_an_item_from_being_stored(conversation: Conversation) -> None:
    """llama.cpp names a model by the path of its file."""
    label = f"local:/models/{'deep/' * 40}model.gguf"
    await save(conversation, LiveItem("one", role="assistant", text="Hello.", engines={"llm": label}))
    assert (await conversation.items.aget()).llm == label[:150]


async def test_the_title_is_what_the_user_said_first(conversation: Conversation) -> None:
    await save(conversation, LiveItem("greeting", role="assistant", text="Welcome!"))
    await save(conversation, LiveItem("empty", role="user"))
    await save(conversation, make_message("How tall is the Eiffel tower?"))
    await save(conversation, make_message("And how old?"))
    await conversation.arefresh_from_db()
    assert conversation.title == "How tall is the Eiffel tower?"


async def test_errors_are_counted_once(conversation: Conversation) -> None:
    for _ in range(2):
        await save(conversation, LiveItem("one", role="assistant", error_code="engine_timeout"))
    await conversation.arefresh_from_db()
    assert conversation.error_count == 1


async def test_an_item_is_removed_with_its_sound(conversation: Conversation) -> None:
    await store.write(conversation.pk, [make_spoken("one")])
    clip = await AudioClip.objects.aget(item__conversation=conversation)
    assert await ClipData.objects.filter(name=clip.file.name).aexists()
    await store.write(conversation.pk, [Drop("one")])
    assert not await ClipData.objects.filter(name=clip.file.name).aexists()
    await conversation.arefresh_from_db()
    assert conversation.item_count == 0


async def test_an_item_with_the_id_of_a_removed_one_has_none_of_its_sound(conversation: Conversation) -> None:
    await store.write(conversation.pk, [make_spoken("one"), Drop("one"), Put(make_message("one"))])
    assert await list_order(conversation) == ["one"]
    assert not await AudioClip.objects.filter(item__conversation=conversation).aexists()


async def test_two_sessions_of_one_conversation_do_not_collide(conversation: Conversation) -> None:
    names = [f"item{number}" for number in range(20)]
    await asyncio.gather(*(save(conversation, make_message(name)) for name in names))
    assert sorted(await list_order(conversation)) == sorted(names)


async def test_sessions_work_side_by_side() -> None:
    """Four calls that each wait for the other three: on one thread they would wait for ever."""
    meeting = Barrier(4, timeout=20)
    meet = database_threads.in_thread(meeting.wait)
    assert sorted(await asyncio.gather(*(meet() for _ in range(4)))) == [0, 1, 2, 3]


async def test_an_assistant_of_another_user_is_not_there(user: User) -> None:
    stranger = await User.objects.acreate(email=f"{uuid4().hex}@example.com")
    slug = uuid4().hex
    await Assistant.objects.acreate(slug=slug, name="Secret", owner=stranger, instructions="")
    with pytest.raises(store.NotFoundError):
        await store.open_conversation(callers.Caller(user.pk), "", slug, "")
    opened = await store.open_conversation(callers.Caller(user.pk), "", "", slug)  # as a model name: the default
    assert opened.assistant_slug != slug


async def test_a_deleted_conversation_takes_nothing_more(conversation: Conversation) -> None:
    await Conversation.objects.filter(pk=conversation.pk).adelete()
    with pytest.raises(ConversationDeletedError):
        await save(conversation, make_message("late"))
    with pytest.raises(ConversationDeletedError):
        await store.write(conversation.pk, [make_spoken("late")])


async def test_what_waits_together_is_written_together(conversation: Conversation) -> None:
    """Of an item's states only the last counts, yet its place is that of the first, also for what refers to it."""
    await save(conversation, make_message("old"))
    changes: list[Change] = [
        Put(LiveItem("one", role="user", is_transcribed=False)),
        Put(LiveItem("reply", role="assistant", status="in_progress")),
        Put(LiveItem("one", role="user", text="Hello", error_code="late")),
        Put(make_message("between"), after="one"),
        Put(make_message("gone"), after="root"),
        Put(make_message("after the gone"), after="gone"),
        Drop("gone"),
        Put(make_message("last")),
        Put(LiveItem("reply", role="assistant", text="Hi.")),
    ]
    for _ in range(2):  # a second time after a connection that was lost with its answer
        await store.write(conversation.pk, changes)
        await conversation.arefresh_from_db()
        assert await list_order(conversation) == ["after the gone", "old", "one", "between", "reply", "last"]
        assert [row.text async for row in conversation.items.filter(public_id__in=["one", "reply"])] == ["Hello", "Hi."]
        assert (conversation.item_count, conversation.error_count) == (6, 1)
    row = await conversation.items.filter(search_words="hello").aget()
    assert row.created_at is not None


async def test_an_item_saved_again_after_its_removal_is_there(conversation: Conversation) -> None:
    await store.write(conversation.pk, [Put(make_message("one")), Drop("one"), Put(make_message("one"))])
    await conversation.arefresh_from_db()
    assert (await list_order(conversation), conversation.item_count) == (["one"], 1)


async def test_sound_is_kept_once_and_only_of_an_item_that_is_there(conversation: Conversation) -> None:
    changes: list[Change] = [make_spoken("one"), make_spoken("removed at once"), Drop("removed at once")]
    for _ in range(2):  # a second time after a connection that was lost with its answer
        await store.write(conversation.pk, changes)
    clip = await AudioClip.objects.aget(item__conversation=conversation)
    assert clip.duration_ms == 1_000
    assert await ClipData.objects.filter(name__startswith=f"{conversation.public_id}/").acount() == 1


async def test_how_it_listens_is_the_assistants_choice_and_patience_the_users_first(user: User) -> None:
    slug, caller = uuid4().hex, callers.Caller(user.pk)
    await Assistant.objects.acreate(
        slug=slug,
        name="A",
        owner=user,
        instructions="",
        patience="patient",
        keywords="Ann, Bo\nAnn",
        preemptive_generation=False,
    )
    opened = await store.open_conversation(caller, "", slug, "")
    assert (opened.patience, opened.keywords, opened.preemptive_generation) == ("patient", ("Ann", "Bo"), False)
    await User.objects.filter(pk=user.pk).aupdate(patience="quick")
    assert (await store.open_conversation(caller, "", slug, "")).patience == "quick"
    stranger = await User.objects.acreate(email=f"{slug}@example.com")
    opened = await store.open_conversation(callers.Caller(stranger.pk), "", "", "")
    assert (opened.patience, opened.keywords, opened.preemptive_generation) == ("", (), True)


async def test_what_was_spent_is_stored_and_what_was_wasted_too(conversation: Conversation) -> None:
    spent = Usage(1.5, 900, 80, 700, 60, 50, 120, 850, 30, 40)
    await save(conversation, LiveItem("one", role="assistant", usage=spent))
    row = await conversation.items.aget()
    stored = (row.stt_seconds, row.input_tokens, row.output_tokens, row.cached_input_tokens, row.tts_characters)
    assert stored == (1.5, 900, 80, 700, 120)
    assert (row.input_audio_tokens, row.output_audio_tokens) == (60, 50)
    discarded = (row.discarded_input_tokens, row.discarded_output_tokens, row.discarded_tts_characters)
    assert discarded == (850, 30, 40)


async def open_zone(user: User, named: str) -> str:
    opened = await store.open_conversation(callers.Caller(user.pk), "", "", "", named)
    return str(opened.zone)


async def test_the_users_time_zone_goes_before_the_clients(user: User) -> None:
    assert await open_zone(user, "") == "UTC"
    assert await open_zone(user, "Asia/Tokyo") == "Asia/Tokyo"
    await User.objects.filter(pk=user.pk).aupdate(time_zone="Europe/Vienna")
    assert await open_zone(user, "Asia/Tokyo") == "Europe/Vienna"


async def test_a_time_zone_that_is_none_opens_nothing(user: User) -> None:
    with pytest.raises(UnknownTimeZoneError, match="There is no time zone 'Tokyo'"):
        await open_zone(user, "Tokyo")
    assert not await Conversation.objects.filter(user=user).aexists()


async def test_the_assistants_tools_come_along(user: User) -> None:
    await Assistant.objects.acreate(slug=uuid4().hex, owner=user, name="Mine", instructions="", tools=["current_time"])
    mine = await Assistant.objects.aget(owner=user)
    opened = await store.open_conversation(callers.Caller(user.pk), "", mine.slug, "")
    assert opened.tools == ("current_time",)
