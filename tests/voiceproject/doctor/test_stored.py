import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import ProviderKey
from accounts.security import encryption
from conversations.models import AudioClip, Conversation, LooseFile, clip_storage
from tests.support.diagnosis import list_fine, list_notes, list_problems
from tests.support.factories import make_conversation, make_user
from tests.support.faulty_storage import Faults
from voiceproject.doctor import clips, folders, stored
from voiceproject.doctor.findings import Options

ONLINE = Options()
NOW = timezone.now()


@pytest.fixture
def faults(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Faults:
    faults = Faults(tmp_path / "clips")
    settings.STORAGES = {**settings.STORAGES, "clips": faults.setting}
    monkeypatch.setattr(AudioClip._meta.get_field("file"), "storage", clip_storage())
    return faults


@pytest.fixture
def spool(tmp_path: Path, settings: Settings) -> Path:
    settings.SPOOL_DIR = tmp_path / "spool"
    settings.SPOOL_DIR.mkdir()
    return tmp_path / "spool"


@pytest.mark.django_db
class TestRows:
    def test_nothing_is_wrong(self) -> None:
        make_user(is_superuser=True)
        make_conversation(None, "Hello")
        assert list_fine(stored.check(ONLINE)) == ["Stored: 1 conversation, of which 0 live."]
        assert not list_problems(stored.check(ONLINE)) + list_notes(stored.check(ONLINE))

    def test_nobody_is_an_admin(self) -> None:
        assert "Nobody can open the admin" in list_notes(stored.check(ONLINE))[0]

    def test_secrets_of_a_lost_key(self, settings: Settings) -> None:
        """As after a database was restored, and FIELD_ENCRYPTION_KEY was not."""
        for number in range(2):
            secret = encryption.encrypt(f"sk-{number}")
            ProviderKey.objects.create(user=make_user(), provider="openai", secret_encrypted=secret, tested_at=NOW)
        assert "2 stored provider keys can be decrypted." in list_fine(stored.check(ONLINE))
        old, settings.FIELD_ENCRYPTION_KEY = settings.FIELD_ENCRYPTION_KEY, Fernet.generate_key().decode()
        assert "2 of 2 stored provider keys cannot be decrypted" in list_problems(stored.check(ONLINE))[0]
        settings.FIELD_ENCRYPTION_KEY += f",{old}"
        assert not list_problems(stored.check(ONLINE))

    def test_conversations_that_nobody_closes(self) -> None:
        live: dict[str, Any] = {"status": Conversation.Status.LIVE, "holder": "sess_1"}
        make_conversation(held_until=timezone.now(), **live)
        assert not list_problems(stored.check(ONLINE))
        make_conversation(held_until=timezone.now() - timedelta(minutes=5), **live)
        assert (
            "Live, though the process that held them is gone: 1 conversation." in list_problems(stored.check(ONLINE))[0]
        )

    def test_what_is_still_to_be_deleted(self) -> None:
        conversation = make_conversation(None, "Hello")
        Conversation.objects.filter(pk=conversation.pk).update(user=None)
        assert "Still to be deleted: 1 conversation, 1 item." in list_notes(stored.check(ONLINE))


@pytest.mark.django_db
class TestSound:
    def test_nothing_is_wrong(self) -> None:
        make_conversation(None, "Hello", sound=True)
        [text] = list_fine(clips.check(ONLINE))
        assert text.startswith("Sound can be written, read and deleted (PostgresStorage")

    @pytest.mark.parametrize(
        ("fault", "words"),
        [({"save": "fail"}, "cannot be written to"), ({"delete": "fail"}, "cannot be deleted from")],
    )
    def test_a_storage_that_fails(self, faults: Faults, fault: dict[str, str], words: str) -> None:
        faults.set(**fault)
        [text] = list_problems(clips.check(ONLINE))
        assert words in text
        assert "The storage is away." in text

    def test_nothing_is_left_behind(self, faults: Faults) -> None:
        assert list_fine(clips.check(ONLINE))
        assert faults.list_files() == []

    def test_sound_that_is_missing(self, faults: Faults) -> None:
        make_conversation(None, "Hello", "Hi", sound=True)
        (faults.folder / faults.list_files()[0]).unlink()
        assert "The sound of 1 of 2 items" in list_problems(clips.check(ONLINE))[0]

    def test_sound_that_was_not_moved(self, tmp_path: Path, settings: Settings) -> None:
        make_conversation(None, "Hello", sound=True)
        settings.STORAGES = {**settings.STORAGES, "clips": Faults(tmp_path / "clips").setting}
        problems = list_problems(clips.check(ONLINE))
        assert any("looks in FaultyStorage: 1 sound file." in text for text in problems)

    def test_files_that_cannot_be_deleted(self) -> None:
        LooseFile.objects.create(name="a.ogg", is_reserved=False, due_at=timezone.now(), tries=9)
        assert "however often it is tried: 1 sound file." in list_problems(clips.check(ONLINE))[0]


class TestFolders:
    def test_nothing_is_wrong(self, spool: Path) -> None:
        assert list_fine(folders.check(ONLINE))[0] == "SPOOL_DIR can be written, and nothing waits in it."
        assert not list(spool.iterdir())

    def test_a_file_in_the_way(self, tmp_path: Path, settings: Settings) -> None:
        settings.SPOOL_DIR = tmp_path / "file"
        settings.SPOOL_DIR.write_text("")
        assert "SPOOL_DIR cannot be written" in list_problems(folders.check(ONLINE))[0]

    def test_what_waits(self, spool: Path) -> None:
        file = spool / "1-conv_1.jsonl"
        file.write_text("{}")
        assert "Waiting to be stored: the words of 1 call." in list_notes(folders.check(ONLINE))[0]
        os.utime(file, (0, time.time() - 3600))
        assert "for more than ten minutes: the words of 1 call." in list_problems(folders.check(ONLINE))[0]

    def test_what_was_being_said_when_a_process_was_killed(self, spool: Path) -> None:
        file = spool / "1-conv_1.utterance"
        file.write_text("{}")
        assert not list_problems(folders.check(ONLINE))
        os.utime(file, (0, time.time() - 3600))
        assert "for more than ten minutes: the words of 1 call." in list_problems(folders.check(ONLINE))[0]

    def test_what_can_never_be_stored(self, spool: Path) -> None:
        (spool / "1-conv_1.jsonl.failed").write_text("{}")
        assert "as they could never be stored: 1 file." in list_problems(folders.check(ONLINE))[0]

    def test_it_is_nearly_full(self, spool: Path, settings: Settings) -> None:
        settings.SPOOL_MAX_BYTES = 100
        (spool / "1-conv_1.jsonl").write_text("x" * 90)
        assert "SPOOL_DIR is 90% full." in list_problems(folders.check(ONLINE))

    def test_a_disk_without_room(self, spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(folders, "LEAST_FREE_BYTES", 2**62)
        assert f"The disk of the spool ({spool}) has" in list_problems(folders.check(ONLINE))[0]
