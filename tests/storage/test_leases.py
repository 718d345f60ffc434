"""Who holds a conversation, as the database has it."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from conversations.models import Assistant, Conversation, Item
from conversations.realtime.protocol import items as live
from conversations.storage import leases, saving
from conversations.storage.changes import Put
from conversations.storage.leases import ConversationDeletedError, TakenOverError
from tests.support.factories import add_item, make_conversation, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def conversation() -> Conversation:
    return leases.begin_conversation(make_user(), Assistant.objects.filter(is_default=True).get(), "one")


def reload(conversation: Conversation) -> Conversation:
    return Conversation.objects.get(pk=conversation.pk)


def let_lapse(conversation: Conversation, ago: timedelta = timedelta(minutes=1)) -> None:
    Conversation.objects.filter(pk=conversation.pk).update(held_until=Now() - ago)


def put(conversation: Conversation, holder: str, text: str = "Hello") -> None:
    saving.apply_changes(conversation.pk, [Put(live.LiveItem("said", role="user", text=text))], holder)


def test_it_is_held_and_given_back(conversation: Conversation) -> None:
    put(conversation, "one")
    assert reload(conversation).is_live
    assert not leases.take(conversation.pk, "two")
    leases.end(conversation.pk, "one")
    assert not reload(conversation).is_live
    assert reload(conversation).status == Conversation.Status.ENDED
    assert leases.take(conversation.pk, "two")
    assert reload(conversation).is_live


def test_who_claims_it_is_handed_it(conversation: Conversation) -> None:
    assert leases.find_lost([(conversation.pk, "one")]) == set()
    leases.claim(conversation.pk, "two")
    assert leases.find_lost([(conversation.pk, "one")]) == {"one"}
    put(conversation, "one")  # its last words
    leases.end(conversation.pk, "one")
    assert reload(conversation).is_live
    assert not leases.take(conversation.pk, "three")
    assert leases.take(conversation.pk, "two")
    assert leases.find_lost([(conversation.pk, "two")]) == set()


def test_only_the_last_who_claimed_it_takes_it_by_force(conversation: Conversation) -> None:
    leases.claim(conversation.pk, "two")
    leases.claim(conversation.pk, "three")
    assert not leases.take(conversation.pk, "two", by_force=True)
    assert leases.take(conversation.pk, "three", by_force=True)
    assert leases.find_lost([(conversation.pk, "one"), (conversation.pk, "three")]) == {"one"}


def test_what_the_new_one_was_told_of_the_old_one_does_not_change(conversation: Conversation) -> None:
    put(conversation, "one", "as it was told")
    leases.claim(conversation.pk, "two")
    leases.take(conversation.pk, "two", by_force=True)
    for _ in ("while it is held", "when that has ended too"):
        with pytest.raises(TakenOverError):
            put(conversation, "one", "too late")
        leases.end(conversation.pk, "two")
    assert Item.objects.get(conversation=conversation).text == "as it was told"
    put(conversation, "", "by the API")


def test_the_end_of_a_session_that_lost_it_changes_nothing(conversation: Conversation) -> None:
    leases.claim(conversation.pk, "two")
    leases.take(conversation.pk, "two", by_force=True)
    leases.end(conversation.pk, "one")
    assert reload(conversation).is_live


def test_an_empty_conversation_goes_with_the_last_who_holds_it(conversation: Conversation) -> None:
    leases.claim(conversation.pk, "two")
    leases.end(conversation.pk, "one")
    assert reload(conversation).is_live
    leases.end(conversation.pk, "two")
    assert not Conversation.objects.filter(pk=conversation.pk).exists()
    assert leases.find_lost([(conversation.pk, "two")]) == set()
    with pytest.raises(ConversationDeletedError):
        leases.claim(conversation.pk, "three")


def test_an_empty_conversation_that_a_program_made_stays() -> None:
    made = make_conversation()
    leases.take(made.pk, "one")
    leases.end(made.pk, "one")
    assert reload(made).status == Conversation.Status.ENDED


def test_a_conversation_whose_process_was_killed_is_closed(conversation: Conversation) -> None:
    reply = add_item(conversation, "Once upon", status=Item.Status.IN_PROGRESS)
    assert conversation.user
    empty = leases.begin_conversation(conversation.user, Assistant.objects.filter(is_default=True).get(), "two")
    let_lapse(conversation)
    let_lapse(empty)
    assert not reload(conversation).is_live  # as soon as the lease is over
    assert reload(conversation).has_broken_off
    assert leases.end_lapsed() == 2
    assert reload(conversation).status == Conversation.Status.BROKE_OFF
    assert Item.objects.get(pk=reply.pk).status == Item.Status.INCOMPLETE
    assert not Conversation.objects.filter(pk=empty.pk).exists()
    assert leases.end_lapsed() == 0


def test_one_that_broke_off_and_was_continued_ends_as_any_other(conversation: Conversation) -> None:
    put(conversation, "one")
    leases.break_off(conversation.pk, "one")
    assert reload(conversation).status == Conversation.Status.BROKE_OFF
    assert leases.take(conversation.pk, "two")
    leases.break_off(conversation.pk, "one")
    assert reload(conversation).is_live
    leases.end(conversation.pk, "two")
    assert reload(conversation).status == Conversation.Status.ENDED


def test_within_about_a_minute() -> None:
    from conversations.session import live_sessions

    assert leases.LEASE + leases.PATIENCE + timedelta(seconds=live_sessions.SWEEP_SEC) <= timedelta(seconds=60)
    assert timedelta(seconds=3 * leases.RENEW_SEC) <= leases.LEASE


def test_a_conversation_that_is_held_is_not_closed(conversation: Conversation) -> None:
    let_lapse(conversation, timedelta(seconds=1))  # it may still be renewed
    assert leases.end_lapsed() == 0
    leases.renew([(conversation.pk, "one")])
    assert reload(conversation).held_until > timezone.now()  # type: ignore[operator]
    assert leases.end_lapsed() == 0


def test_a_process_that_stood_still_goes_on_where_nobody_else_came(conversation: Conversation) -> None:
    put(conversation, "one")
    let_lapse(conversation)
    leases.end_lapsed()
    put(conversation, "one", "said meanwhile")
    leases.renew([(conversation.pk, "one")])
    assert reload(conversation).is_live
    assert leases.find_lost([(conversation.pk, "one")]) == set()


@pytest.mark.parametrize("jump", [timedelta(hours=-3), timedelta(hours=3)], ids=["back", "forth"])
def test_the_databases_clock_jumps(conversation: Conversation, jump: timedelta) -> None:
    """Who lives is live again with the next renewal; who is gone does not stay live for as long as the jump."""
    put(conversation, "one")
    let_lapse(conversation, jump)
    leases.end_lapsed()
    assert reload(conversation).status == Conversation.Status.BROKE_OFF
    leases.renew([(conversation.pk, "one")])
    assert reload(conversation).is_live
    assert not leases.take(conversation.pk, "two")
    let_lapse(conversation, jump)
    assert leases.take(conversation.pk, "two")


def test_renewing_brings_back_nothing_that_another_one_holds(conversation: Conversation) -> None:
    put(conversation, "one")
    let_lapse(conversation)
    assert leases.take(conversation.pk, "two")
    leases.end(conversation.pk, "two")
    leases.renew([(conversation.pk, "one")])
    assert not reload(conversation).is_live
