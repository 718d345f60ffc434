"""What is being said, on disk until it is stored."""

import asyncio
import fcntl
import json
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from conversations.models import Conversation
from conversations.storage.spool import locked_files, utterance_journal
from tests.support.factories import make_conversation
from tests.support.journals import HOLDER, Journal, list_names

pytestmark = pytest.mark.django_db
PCM = bytes(range(240)) * 40  # 0.2 s


@pytest.fixture
def conversation() -> Conversation:
    return make_conversation(status=Conversation.Status.LIVE, holder=HOLDER)


def read_only_file(folder: Path) -> bytes:
    (path,) = folder.iterdir()
    return path.read_bytes()


def test_it_works(folder: Path, conversation: Conversation) -> None:
    journal = Journal(conversation)
    journal.note_item("before", None)
    journal.note_item("inserted", "root")
    journal.say("item_1", PCM)
    journal.writer.write()
    journal.say("item_1", PCM)
    journal.writer.write()
    head, _, pcm = read_only_file(folder).partition(b"\n")
    told = json.loads(head)
    assert (told["item_id"], told["after"], told["origin"]["pk"]) == ("item_1", "before", conversation.pk)
    assert pcm == PCM * 2
    (path,) = folder.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    with locked_files.claim(path) as data:
        assert data is None  # its writer lives
    journal.forget("item_1")
    journal.writer.write()
    assert not list_names(folder)


def test_what_is_over_before_the_next_write_never_gets_to_the_disk(folder: Path, conversation: Conversation) -> None:
    journal = Journal(conversation)
    journal.say("item_1", PCM)
    journal.forget("item_1")
    journal.writer.write()
    assert not folder.exists()


def test_nothing_stays_when_the_session_has_ended(folder: Path, conversation: Conversation) -> None:
    journal = Journal(conversation)
    journal.say("item_1", PCM)
    journal.say("item_2", PCM)
    journal.writer.write()
    assert len(list_names(folder)) == 2
    asyncio.run(journal.close())
    assert not list_names(folder)
    journal.say("item_3", PCM)
    journal.writer.write()
    assert not list_names(folder)


def test_it_can_be_turned_off(folder: Path, conversation: Conversation, settings: Settings) -> None:
    settings.UTTERANCE_JOURNAL_BYTES = 0
    journal = Journal(conversation)
    journal.say("item_1", PCM)
    journal.writer.write()
    assert not folder.exists()


def test_it_is_bounded(folder: Path, conversation: Conversation, settings: Settings) -> None:
    """What was written stays: an utterance is kept as far as there was room, and without a gap."""
    settings.UTTERANCE_JOURNAL_BYTES = len(PCM) + 1000
    journal = Journal(conversation)
    for _ in range(3):
        journal.say("item_1", PCM)
        journal.writer.write()
    assert read_only_file(folder).partition(b"\n")[2] == PCM
    journal.forget("item_1")
    journal.say("item_2", PCM)
    journal.writer.write()  # removes the one
    assert read_only_file(folder).partition(b"\n")[2] == PCM


def test_a_session_has_few_files(folder: Path, conversation: Conversation) -> None:
    journal = Journal(conversation)
    for number in range(utterance_journal.MAX_UTTERANCES + 5):
        journal.say(f"item_{number}", PCM)
    journal.writer.write()
    assert len(list_names(folder)) == utterance_journal.MAX_UTTERANCES


def test_a_disk_that_hangs_costs_little_memory(
    folder: Path, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(utterance_journal, "MAX_WAITING_BYTES", len(PCM))
    journal = Journal(conversation)
    for _ in range(10):
        journal.say("item_1", PCM)
    journal.writer.write()
    assert len(read_only_file(folder).partition(b"\n")[2]) < len(PCM) + 1000


def test_a_disk_that_hangs_does_not_hold_up_the_end_of_a_session(
    folder: Path, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(utterance_journal, "CLOSE_SEC", 0.0)
    journal = Journal(conversation)
    journal.say("item_1", PCM)
    journal.writer.write()
    with journal.writer._lock:  # as if it were writing
        asyncio.run(journal.close())
        assert list_names(folder)


def test_drafts_of_killed_processes_are_removed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locked_files, "DRAFT_SEC", -1.0)
    folder.mkdir()
    (folder / "left.utterance.new").write_bytes(b"half")
    written = folder / "being_written.utterance.new"
    with written.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        locked_files.remove_drafts(folder)
    assert list_names(folder) == [written.name]


def test_a_disk_that_cannot_be_written_is_told_once(
    folder: Path, conversation: Conversation, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("not a folder")
    journal = Journal(conversation)
    for number in range(3):
        journal.say(f"item_{number}", PCM)
        journal.writer.write()
    assert caplog.text.count("cannot be kept") == 1
    asyncio.run(journal.close())
