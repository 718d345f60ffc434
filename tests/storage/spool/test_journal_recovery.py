"""What a killed process leaves of an utterance becomes an item, once and at its place."""

import asyncio
from pathlib import Path
from threading import BoundedSemaphore

import pytest
from pytest_django.fixtures import Settings

from conversations.audio import opus
from conversations.models import AudioClip, Conversation, Item
from conversations.pcm import BYTES_PER_MS
from conversations.realtime.protocol.items import LiveItem
from conversations.storage import leases, saving
from conversations.storage.changes import Put
from conversations.storage.spool import journal_recovery
from tests.support.factories import add_item, make_conversation
from tests.support.faulty_storage import Faults
from tests.support.journals import HOLDER, Journal, list_names
from tests.support.official_client import synthesize_speech

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def speech() -> bytes:
    return asyncio.run(synthesize_speech("Good morning, can you hear me well?"))


@pytest.fixture
def conversation() -> Conversation:
    return make_conversation(status=Conversation.Status.LIVE, holder=HOLDER, goes_if_empty=True)


def leave_behind(conversation: Conversation, speech: bytes, *items: LiveItem, has_stored: bool = True) -> None:
    journal = Journal(conversation, *items, has_stored=has_stored)
    journal.say("item_1", speech)
    journal.die()


def reload(conversation: Conversation) -> Conversation:
    return Conversation.objects.get(public_id=conversation.public_id)


def test_it_works(folder: Path, conversation: Conversation, speech: bytes) -> None:
    leave_behind(conversation, speech)
    journal_recovery.recover()
    item = conversation.items.get()
    assert (item.public_id, item.role, item.status, item.text) == ("item_1", "user", Item.Status.INCOMPLETE, "")
    assert (item.error_code, item.is_audio) == (journal_recovery.ERROR_CODE, True)
    assert item.clip.duration_ms == len(speech) // BYTES_PER_MS
    assert abs(len(opus.decode(item.clip.file.read())) - len(speech)) < 10 * BYTES_PER_MS
    assert reload(conversation).status == Conversation.Status.BROKE_OFF
    assert not list_names(folder)


def test_not_while_its_process_lives(folder: Path, conversation: Conversation, speech: bytes) -> None:
    journal = Journal(conversation)
    journal.say("item_1", speech)
    journal.writer.write()
    journal_recovery.recover()
    journal_recovery.recover_conversation(conversation.public_id)
    assert not conversation.items.exists()
    assert reload(conversation).status == Conversation.Status.LIVE
    journal.die()
    journal_recovery.recover_conversation("conv_of_somebody_else")
    assert not conversation.items.exists()
    journal_recovery.recover_conversation(conversation.public_id)
    assert conversation.items.exists()


def test_what_was_stored_already_stays_as_it_is(folder: Path, conversation: Conversation, speech: bytes) -> None:
    """The process was killed between the two: the item was stored, and the file not removed yet."""
    saving.apply_changes(conversation.pk, [Put(LiveItem("item_1", role="user", text="Good morning"))])
    leave_behind(conversation, speech)
    journal_recovery.recover()
    item = conversation.items.get()
    assert (item.text, item.status) == ("Good morning", Item.Status.COMPLETED)
    assert not AudioClip.objects.exists()
    assert not list_names(folder)


def test_it_comes_where_it_was_said(folder: Path, conversation: Conversation, speech: bytes) -> None:
    """Another machine, which does not see the folder, has continued the conversation."""
    said = add_item(conversation, "Before")
    leave_behind(conversation, speech, LiveItem(said.public_id))
    leases.end_lapsed()
    assert leases.take(conversation.pk, "hold_2")
    add_item(reload(conversation), "Later")
    journal_recovery.recover()
    assert [item.text for item in conversation.items.all()] == ["Before", "", "Later"]
    assert reload(conversation).status == Conversation.Status.LIVE  # the other session goes on


def test_it_comes_first_where_nothing_was_said_before(folder: Path, conversation: Conversation, speech: bytes) -> None:
    leave_behind(conversation, speech)
    Conversation.objects.update(held_until=None)
    assert leases.take(conversation.pk, "hold_2")
    add_item(reload(conversation), "Later")
    journal_recovery.recover()
    assert [item.text for item in conversation.items.all()] == ["", "Later"]


def test_a_conversation_in_which_nothing_was_stored_comes_back(
    folder: Path, conversation: Conversation, speech: bytes
) -> None:
    leave_behind(conversation, speech, has_stored=False)
    leases.end_lapsed()
    assert not Conversation.objects.exists()
    journal_recovery.recover()
    assert reload(conversation).items.get().public_id == "item_1"


def test_what_was_deleted_meanwhile_stays_deleted(folder: Path, conversation: Conversation, speech: bytes) -> None:
    leave_behind(conversation, speech)
    conversation.delete()
    journal_recovery.recover()
    assert not Conversation.objects.exists()
    assert not list_names(folder)


def test_silence_is_no_utterance(folder: Path, conversation: Conversation) -> None:
    """A client that commits by itself sends it all the time."""
    add_item(conversation, "Before")
    leave_behind(conversation, bytes(2_000 * BYTES_PER_MS))
    journal_recovery.recover()
    assert conversation.items.count() == 1
    assert not list_names(folder)


def test_the_next_session_has_it_as_it_claims_the_conversation(
    folder: Path, conversation: Conversation, speech: bytes
) -> None:
    add_item(conversation, "Before")
    leave_behind(conversation, speech)
    leases.claim(conversation.pk, "hold_2")
    journal_recovery.recover_conversation(conversation.public_id)
    assert leases.take(conversation.pk, "hold_2")  # it was handed over: nobody waits for who is gone
    assert conversation.items.count() == 2


def test_few_are_recovered_at_once_for_who_continues(
    folder: Path, conversation: Conversation, speech: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_behind(conversation, speech)
    monkeypatch.setattr(journal_recovery, "_room", BoundedSemaphore(1))
    with journal_recovery._room:
        journal_recovery.recover_conversation(conversation.public_id)
        assert not conversation.items.exists()
    journal_recovery.recover_conversation(conversation.public_id)
    assert conversation.items.exists()


def test_half_a_sample_is_left_out(folder: Path, conversation: Conversation, speech: bytes) -> None:
    leave_behind(conversation, speech[:-1])
    journal_recovery.recover()
    assert conversation.items.get().clip.duration_ms == (len(speech) - 2) // BYTES_PER_MS


@pytest.mark.parametrize("data", [b"\n", b"{", b"[]\nxx", b'{"origin": {}}\nxx', bytes(100_000)])
def test_what_cannot_be_read_is_set_aside(folder: Path, conversation: Conversation, speech: bytes, data: bytes) -> None:
    folder.mkdir()
    (folder / "0-broken.utterance").write_bytes(data)
    leave_behind(conversation, speech)
    journal_recovery.recover()
    assert conversation.items.exists()
    assert list_names(folder) == ["0-broken.utterance.failed"]


def test_a_clip_storage_that_fails_is_tried_again_later(
    folder: Path, conversation: Conversation, speech: bytes, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_recovery, "CLIPS_RETRY_SEC", 0.0)
    faults = Faults(folder.with_name("clips"))
    settings.STORAGES = {**settings.STORAGES, "clips": faults.setting}
    faults.set(save="fail")
    leave_behind(conversation, speech)
    journal_recovery.recover()
    assert list_names(folder)
    faults.set()
    journal_recovery.recover()
    assert faults.list_files() == [AudioClip.objects.get().file.name]
    assert not list_names(folder)
