"""What sessions leave behind while the database is away: kept on disk whole, stored once, whoever does it."""

import asyncio
import os
import time
from functools import partial
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from conversations.audio.opus import Encoding
from conversations.models import AudioClip, Conversation
from conversations.realtime.protocol.items import LiveItem, Usage
from conversations.storage import leases, saving
from conversations.storage.changes import Change, Drop, Put
from conversations.storage.spool import change_files
from conversations.storage.spool.unstored_changes import Origin, UnstoredChanges
from tests.support.factories import make_conversation
from tests.support.faulty_storage import Faults

pytestmark = pytest.mark.django_db


@pytest.fixture
def conversation() -> Conversation:
    return make_conversation(status=Conversation.Status.LIVE, holder="hold_1", goes_if_empty=True)


def keep(conversation: Conversation, *changes: Change, has_stored: bool = True) -> None:
    unstored = make_unstored_changes(conversation, *changes, has_stored=has_stored)
    asyncio.run(change_files.keep_unstored_changes(unstored))


def make_unstored_changes(conversation: Conversation, *changes: Change, has_stored: bool = True) -> UnstoredChanges:
    assert conversation.user_id
    named = conversation.pk, conversation.public_id, "hold_1", conversation.user_id, "general"
    return UnstoredChanges(Origin(*named, has_stored), changes)


def make_spoken(name: str, text: str = "My last words.") -> Put:
    item = LiveItem(name, role="user", is_audio=True, text=text, audio_samples=24_000, usage=Usage(stt_seconds=1.0))
    return Put(item, make_clip=partial(Encoding().finish, bytes(48_000)))


def test_it_works(folder: Path, conversation: Conversation) -> None:
    keep(conversation, make_spoken("a"), make_spoken("b"), Drop("a"))
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600]
    change_files.replay()
    item = conversation.items.get()
    assert (item.public_id, item.text, item.stt_seconds) == ("b", "My last words.", 1.0)
    assert AudioClip.objects.get().size_bytes > 100
    conversation.refresh_from_db()
    assert conversation.status == Conversation.Status.ENDED
    assert not list(folder.iterdir())


def test_a_conversation_that_went_as_nothing_was_in_it_comes_back(folder: Path, conversation: Conversation) -> None:
    """As its lease lapsed, or its session ended, a moment before the first words of it could be stored."""
    keep(conversation, make_spoken("a"), has_stored=False)
    leases.end(conversation.pk, "hold_1")
    assert not Conversation.objects.exists()
    change_files.replay()
    found = Conversation.objects.get(public_id=conversation.public_id)
    assert found.items.get().text == "My last words."
    assert (found.user_id, found.status) == (conversation.user_id, Conversation.Status.ENDED)


def test_a_session_that_ends_while_its_words_are_being_stored(folder: Path, conversation: Conversation) -> None:
    """Both have waited for the database: the session's end takes away the conversation, in which nothing is yet."""
    put = make_spoken("a")

    def end_and_make_clip() -> bytes:  # before anything is locked
        leases.end(conversation.pk, "hold_1")
        assert put.make_clip
        return put.make_clip()

    change_files.store_changes(
        make_unstored_changes(conversation, Put(put.item, make_clip=end_and_make_clip), has_stored=False)
    )
    found = Conversation.objects.get(public_id=conversation.public_id)
    assert (found.items.get().text, found.status) == ("My last words.", Conversation.Status.ENDED)


def test_what_the_session_that_took_over_was_told_of_stays(folder: Path, conversation: Conversation) -> None:
    saving.apply_changes(conversation.pk, [make_spoken("a", "told")])
    keep(conversation, make_spoken("a", "late"), Drop("a"), make_spoken("b"))
    assert leases.take(conversation.pk, "hold_2")
    change_files.replay()
    assert [item.text for item in conversation.items.all()] == ["told", "My last words."]
    conversation.refresh_from_db()
    assert (conversation.holder, conversation.status) == ("hold_2", Conversation.Status.LIVE)


def test_what_was_deleted_meanwhile_stays_deleted(folder: Path, conversation: Conversation) -> None:
    keep(conversation, make_spoken("a"))
    conversation.delete()
    change_files.replay()
    assert not Conversation.objects.exists()
    assert not list(folder.iterdir())


def test_the_order_is_kept(folder: Path, conversation: Conversation) -> None:
    for text in ("first", "second", "third"):
        keep(conversation, make_spoken("a", text))
    change_files.replay()
    assert conversation.items.get().text == "third"


def test_a_try_that_still_hangs_comes_first(folder: Path, conversation: Conversation) -> None:
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        hanging = loop.create_future()
        runner.run(change_files.keep_unstored_changes(make_unstored_changes(conversation, make_spoken("a")), hanging))
        change_files.replay()
        assert not conversation.items.exists()
        hanging.set_result(None)
        runner.run(asyncio.sleep(0))
    change_files.replay()
    assert conversation.items.exists()


def test_the_folder_is_bounded(folder: Path, conversation: Conversation, settings: Settings) -> None:
    """Beyond it is memory, and beyond that nothing: the server itself must go on."""
    settings.SPOOL_MAX_BYTES = 10
    keep(conversation, make_spoken("a"))
    assert not list(folder.glob("*"))
    change_files.replay()
    assert conversation.items.get().text == "My last words."


def test_a_folder_that_cannot_be_written_costs_nothing(folder: Path, conversation: Conversation) -> None:
    folder.write_text("not a folder")
    keep(conversation, make_spoken("a"))
    change_files.replay()
    assert conversation.items.get().text == "My last words."


def test_what_can_never_be_stored_does_not_hold_up_the_rest(folder: Path, conversation: Conversation) -> None:
    folder.mkdir()
    (folder / "0-broken.jsonl").write_text("{")
    keep(conversation, make_spoken("a"))
    change_files.replay()
    assert conversation.items.exists()
    assert [path.name for path in folder.iterdir()] == ["0-broken.jsonl.failed"]


def test_a_clip_storage_that_fails_is_tried_again_later(
    folder: Path, conversation: Conversation, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_files, "CLIPS_RETRY_SEC", 0.0)
    faults = Faults(folder.with_name("clips"))
    settings.STORAGES = {**settings.STORAGES, "clips": faults.setting}
    faults.set(save="fail")
    keep(conversation, make_spoken("a"))
    change_files.replay()
    assert list(folder.iterdir())
    faults.set()
    change_files.replay()
    assert faults.list_files() == [AudioClip.objects.get().file.name]


def test_what_is_set_aside_counts(folder: Path, settings: Settings) -> None:
    settings.SPOOL_MAX_BYTES = 150
    for number in range(3):
        change_files.set_aside(f"{number}-conv.jsonl", b"x" * 60)
    assert len(list(folder.iterdir())) == 2


def test_what_is_set_aside_goes_with_its_conversation(folder: Path, conversation: Conversation) -> None:
    old = time.time() - 2 * change_files.SET_ASIDE_SEC
    for name, at in (("of it", old), ("deleted", old), ("new", time.time())):
        public_id = conversation.public_id if name == "of it" else name
        change_files.set_aside(f"0-{public_id}.jsonl", b"broken")
        os.utime(folder / f"0-{public_id}.jsonl.failed", (at, at))
    change_files.replay()
    assert {path.name for path in folder.iterdir()} == {
        f"0-{conversation.public_id}.jsonl.failed",
        "0-new.jsonl.failed",
    }
