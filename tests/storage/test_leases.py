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
def begun() -> Conversation:
    return leases.begin_conversation(make_user(), Assistant.objects.filter(is_default=True).get(), "one")


def reload(conversation: Conversation) -> Conversation:
    return Conversation.objects.get(pk=conversation.pk)


def let_lapse(conversation: Conversation, ago: timedelta = timedelta(minutes=1)) -> None:
    Conversation.objects.filter(pk=conversation.pk).update(held_until=Now() - ago)


def put(conversation: Conversation, holder: str, text: str = "Hello") -> None:
    saving.apply_changes(conversation.pk, [Put(live.LiveItem("said", role="user", text=text))], holder)


def test_it_is_held_and_given_back(begun: Conversation) -> None:
    put(begun, "one")
    assert reload(begun).is_live
    assert not leases.take(begun.pk, "two")
    leases.end(begun.pk, "one")
    assert not reload(begun).is_live
    assert reload(begun).status == Conversation.Status.ENDED
    assert leases.take(begun.pk, "two")
    assert reload(begun).is_live


def test_who_claims_it_is_handed_it(begun: Conversation) -> None:
    assert leases.find_lost([(begun.pk, "one")]) == set()
    leases.claim(begun.pk, "two")
    assert leases.find_lost([(begun.pk, "one")]) == {"one"}
    put(begun, "one")  # its last words
    leases.end(begun.pk, "one")
    assert reload(begun).is_live
    assert not leases.take(begun.pk, "three")
    assert leases.take(begun.pk, "two")
    assert leases.find_lost([(begun.pk, "two")]) == set()


def test_only_the_last_who_claimed_it_takes_it_by_force(begun: Conversation) -> None:
    leases.claim(begun.pk, "two")
    leases.claim(begun.pk, "three")
    assert not leases.take(begun.pk, "two", by_force=True)
    assert leases.take(begun.pk, "three", by_force=True)
    assert leases.find_lost([(begun.pk, "one"), (begun.pk, "three")]) == {"one"}


def test_what_the_new_one_was_told_of_the_old_one_does_not_change(begun: Conversation) -> None:
    put(begun, "one", "as it was told")
    leases.claim(begun.pk, "two")
    leases.take(begun.pk, "two", by_force=True)
    for _ in ("while it is held", "when that has ended too"):
        with pytest.raises(TakenOverError):
            put(begun, "one", "too late")
        leases.end(begun.pk, "two")
    assert Item.objects.get(conversation=begun).text == "as it was told"
    put(begun, "", "by the API")


def test_the_end_of_a_session_that_lost_it_changes_nothing(begun: Conversation) -> None:
    leases.claim(begun.pk, "two")
    leases.take(begun.pk, "two", by_force=True)
    leases.end(begun.pk, "one")
    assert reload(begun).is_live


def test_an_empty_conversation_goes_with_the_last_who_holds_it(begun: Conversation) -> None:
    leases.claim(begun.pk, "two")
    leases.end(begun.pk, "one")
    assert reload(begun).is_live
    leases.end(begun.pk, "two")
    assert not Conversation.objects.filter(pk=begun.pk).exists()
    assert leases.find_lost([(begun.pk, "two")]) == set()
    with pytest.raises(ConversationDeletedError):
        leases.claim(begun.pk, "three")


def test_an_empty_conversation_that_a_program_made_stays() -> None:
    made = make_conversation()
    leases.take(made.pk, "one")
    leases.end(made.pk, "one")
    assert reload(made).status == Conversation.Status.ENDED


def test_a_conversation_whose_process_was_killed_is_closed(begun: Conversation) -> None:
    reply = add_item(begun, "Once upon", status=Item.Status.IN_PROGRESS)
    assert begun.user
    empty = leases.begin_conversation(begun.user, Assistant.objects.filter(is_default=True).get(), "two")
    let_lapse(begun)
    let_lapse(empty)
    assert not reload(begun).is_live  # as soon as the lease is over
    assert leases.end_lapsed() == 2
    assert reload(begun).status == Conversation.Status.ENDED
    assert Item.objects.get(pk=reply.pk).status == Item.Status.INCOMPLETE
    assert not Conversation.objects.filter(pk=empty.pk).exists()
    assert leases.end_lapsed() == 0


def test_within_about_a_minute() -> None:
    from conversations.session import live_sessions

    assert leases.LEASE + leases.PATIENCE + timedelta(seconds=live_sessions.SWEEP_SEC) <= timedelta(seconds=60)
    assert timedelta(seconds=3 * leases.RENEW_SEC) <= leases.LEASE


def test_a_conversation_that_is_held_is_not_closed(begun: Conversation) -> None:
    let_lapse(begun, timedelta(seconds=1))  # it may still be renewed
    assert leases.end_lapsed() == 0
    leases.renew([(begun.pk, "one")])
    assert reload(begun).held_until > timezone.now()  # type: ignore[operator]
    assert leases.end_lapsed() == 0


def test_a_process_that_stood_still_goes_on_where_nobody_else_came(begun: Conversation) -> None:
    put(begun, "one")
    let_lapse(begun)
    leases.end_lapsed()
    put(begun, "one", "said meanwhile")
    leases.renew([(begun.pk, "one")])
    assert reload(begun).is_live
    assert leases.find_lost([(begun.pk, "one")]) == set()


def test_renewing_brings_back_nothing_that_another_one_holds(begun: Conversation) -> None:
    put(begun, "one")
    let_lapse(begun)
    assert leases.take(begun.pk, "two")
    leases.end(begun.pk, "two")
    leases.renew([(begun.pk, "one")])
    assert not reload(begun).is_live
