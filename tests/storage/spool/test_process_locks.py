"""Who holds a conversation, and whether that process lives: told by a lock, before any lease has lapsed."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from conversations.models import Assistant, Conversation
from conversations.storage import leases
from conversations.storage.spool import locked_files, process_locks
from tests.support.factories import add_item, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def locks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The locks that were made, as file descriptors. Who closes one does what the kernel does for a killed process."""
    made: list[int] = []
    create = locked_files.create

    def note(path: Path, data: bytes) -> int:
        made.append(create(path, data))
        return made[-1]

    monkeypatch.setattr(locked_files, "create", note)
    monkeypatch.setattr(process_locks, "_name", "")
    yield made
    for lock in made:
        os.close(lock)


@pytest.fixture
def folder(tmp_path: Path, settings: Settings, locks: list[int]) -> Path:
    settings.SPOOL_DIR = tmp_path / "spool"
    return tmp_path / "spool"


def begin_conversation(*texts: str) -> Conversation:
    assistant = Assistant.objects.filter(is_default=True).get()
    conversation = leases.begin_conversation(make_user(), assistant, process_locks.make_holder())
    for text in texts:
        add_item(conversation, text)
    return conversation


def get_status(conversation: Conversation) -> str:
    return Conversation.objects.get(pk=conversation.pk).status


def test_it_works(folder: Path, locks: list[int]) -> None:
    process_locks.begin()
    conversation, empty = begin_conversation("Hello"), begin_conversation()
    process_locks.close_conversations_of_the_dead()
    assert get_status(conversation) == Conversation.Status.LIVE
    os.close(locks.pop())
    process_locks.close_conversations_of_the_dead()
    assert get_status(conversation) == Conversation.Status.BROKE_OFF
    assert get_status(empty) == Conversation.Status.LIVE  # its user may come back before its lease has lapsed
    assert leases.take(conversation.pk, "hold_2")
    assert not list(folder.glob("*"))


def test_what_others_hold_stays(folder: Path, locks: list[int]) -> None:
    """Processes of other machines are not seen here, nor is who has no lock."""
    other = begin_conversation("Hello")
    process_locks.begin()
    mine = begin_conversation("Hello")
    assert mine.holder.startswith("hold_")
    assert len(mine.holder) <= 40
    os.close(locks.pop())
    process_locks.close_conversations_of_the_dead()
    assert (get_status(mine), get_status(other)) == ("broke_off", "live")


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(folder: Path) -> None:
    folder.write_text("not a folder")
    process_locks.begin()
    conversation = begin_conversation("Hello")
    process_locks.close_conversations_of_the_dead()
    assert get_status(conversation) == Conversation.Status.LIVE


def test_a_file_that_cannot_be_read_or_removed_holds_nobody_up(
    folder: Path, locks: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "0.alive").mkdir(parents=True)
    process_locks.begin()
    conversation = begin_conversation("Hello")
    os.close(locks.pop())
    for _ in range(2):
        process_locks.close_conversations_of_the_dead()
    assert get_status(conversation) == Conversation.Status.BROKE_OFF
    locked_files.remove(folder / "0.alive")
    told = [line.partition(":")[0] for line in caplog.messages if line.startswith("0.alive")]
    assert told == ["0.alive in SPOOL_DIR cannot be read", "0.alive in SPOOL_DIR cannot be removed"]
