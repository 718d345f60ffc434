"""Sound in a bucket: moto's server over HTTP, and a way to it that loses, delays and refuses."""

import io
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from conversations.audio.opus import Encoding
from conversations.models import AudioClip, ClipData, Conversation, LooseFile, clip_storage
from conversations.realtime.protocol.items import LiveItem
from conversations.storage import deletion, saving
from conversations.storage.changes import Drop, Put
from conversations.storage.clips import clip_files, s3_storage
from conversations.storage.clips.clip_files import ClipStorageError
from conversations.storage.clips.s3_storage import S3Storage
from tests.support.api_client import build_client, get_error
from tests.support.factories import add_clip, add_item, make_conversation
from tests.support.live import manage
from tests.support.s3 import KEY, Bucket, run_bucket
from voiceproject.database.outages import FilesAwayError

pytestmark = pytest.mark.django_db
SOUND = bytes(48_000)


@pytest.fixture(scope="module")
def server() -> Iterator[Bucket]:
    with run_bucket() as bucket:
        yield bucket


@pytest.fixture
def bucket(server: Bucket, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    settings.STORAGES = {**settings.STORAGES, "clips": server.setting}
    monkeypatch.setattr(AudioClip._meta.get_field("file"), "storage", clip_storage())
    yield server
    server.heal()
    server.empty()
    server.asked.clear()


@pytest.fixture
def storage(bucket: Bucket) -> S3Storage:
    return S3Storage(**bucket.options)


@pytest.fixture
def conversation(owner: User, bucket: Bucket) -> Conversation:
    return make_conversation(owner)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for long, and nothing is tried again by itself."""
    monkeypatch.setattr(s3_storage, "ANSWER_SEC", 0.5)
    monkeypatch.setattr(s3_storage, "TRIES", 1)


def make_spoken(name: str = "item_1", pcm: bytes = SOUND) -> Put:
    item = LiveItem(name, role="user", is_audio=True, audio_samples=len(pcm) // 2)
    return Put(item, make_clip=partial(Encoding().finish, pcm))


def list_clip_names() -> list[str]:
    return sorted(AudioClip.objects.values_list("file", flat=True))


class TestFiles:
    def test_it_works(self, storage: S3Storage) -> None:
        assert storage.save("a/b.ogg", ContentFile(b"sound")) == "a/b.ogg"
        assert storage.exists("a/b.ogg")
        assert storage.size("a/b.ogg") == 5
        with storage.open("a/b.ogg") as file:
            assert file.read() == b"sound"
        storage.delete("a/b.ogg")
        storage.delete("a/b.ogg")
        assert not storage.exists("a/b.ogg")

    def test_a_part_is_asked_for_alone(self, storage: S3Storage, bucket: Bucket) -> None:
        storage.save("a.ogg", ContentFile(b"0123456789"))
        bucket.asked.clear()
        with storage.open("a.ogg") as file:
            file.seek(3)
            assert file.read(4) == b"3456"
            assert file.read() == b"789"
            assert file.read() == b""
            assert file.seek(-2, io.SEEK_END) == 8
            assert file.read(100) == b"89"
        assert bucket.asked[0] == "GET a.ogg"

    def test_a_name_that_is_taken_is_replaced(self, storage: S3Storage) -> None:
        for content in (b"one", b"other"):
            assert storage.save("a.ogg", ContentFile(content)) == "a.ogg"
        assert storage.size("a.ogg") == 5

    def test_a_prefix(self, bucket: Bucket) -> None:
        storage = S3Storage(**{**bucket.options, "prefix": "voice/", "region": ""})
        assert storage.save("a.ogg", ContentFile(b"sound")) == "a.ogg"
        assert bucket.list_files() == ["voice/a.ogg"]

    def test_what_is_not_there(self, storage: S3Storage) -> None:
        with pytest.raises(FileNotFoundError), storage.open("gone.ogg") as file:
            file.read()
        with pytest.raises(FileNotFoundError):
            storage.size("gone.ogg")

    def test_there_is_no_public_address(self, storage: S3Storage) -> None:
        with pytest.raises(NotImplementedError):
            storage.url("a.ogg")

    @pytest.mark.parametrize(
        ("fault", "words"),
        [("403", "refuses the site's key"), ("500", "InternalError, 500"), ("hang", "ReadTimeoutError"),
         ("lose", "ConnectionClosedError"), ("cut", "IncompleteReadError|ResponseStreamingError|ProtocolError")],
    )  # fmt: skip
    @pytest.mark.usefixtures("quick")
    def test_faults_have_words(self, storage: S3Storage, bucket: Bucket, fault: str, words: str) -> None:
        storage.save("a.ogg", ContentFile(b"0123456789"))
        bucket.break_with(fault)
        with pytest.raises(FilesAwayError, match=words) as raised, storage.open("a.ogg") as file:
            file.read()
        assert KEY["secret_key"] not in str(raised.value)

    def test_a_bucket_that_does_not_exist(self, bucket: Bucket) -> None:
        storage = S3Storage(**{**bucket.options, "bucket": "elsewhere"})
        with pytest.raises(FilesAwayError, match="does not exist"):
            storage.save("a.ogg", ContentFile(b""))
        with pytest.raises(FilesAwayError, match="does not exist"), storage.open("a.ogg") as file:
            file.read()

    def test_a_name_that_no_bucket_can_have(self, bucket: Bucket) -> None:
        with pytest.raises(FilesAwayError, match="S3_BUCKET"):
            S3Storage(**{**bucket.options, "bucket": "no bucket"}).exists("a.ogg")

    def test_no_key(self, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
            monkeypatch.setenv(name, "/dev/null")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        with pytest.raises(FilesAwayError, match="S3_ACCESS_KEY_ID"):
            S3Storage(**{**bucket.options, "access_key": "", "secret_key": ""}).exists("a.ogg")

    @pytest.mark.usefixtures("quick")
    def test_a_server_that_is_down(self, bucket: Bucket) -> None:
        storage = S3Storage(**{**bucket.options, "endpoint_url": "http://127.0.0.1:1"})
        with pytest.raises(FilesAwayError, match="cannot be reached"):
            storage.exists("a.ogg")


class TestSaving:
    def test_it_works(self, conversation: Conversation, bucket: Bucket) -> None:
        saving.apply_changes(conversation.pk, [make_spoken()])
        assert bucket.list_files() == list_clip_names() == [f"{conversation.public_id}/item_1.ogg"]
        assert len(bucket.read(list_clip_names()[0])) == AudioClip.objects.get().size_bytes
        assert bucket.asked == [f"PUT {list_clip_names()[0]}"]
        assert not LooseFile.objects.exists()

    def test_an_upload_whose_answer_was_lost(self, conversation: Conversation, bucket: Bucket) -> None:
        """The client library asks again by itself, and if that is lost, too, the site does: always under one name."""
        bucket.break_with("lose", "PUT", times=s3_storage.TRIES)
        with pytest.raises(ClipStorageError, match="cannot be reached"):
            saving.apply_changes(conversation.pk, [make_spoken()])
        assert bucket.list_files() == [f"{conversation.public_id}/item_1.ogg"]
        saving.apply_changes(conversation.pk, [make_spoken()])
        assert bucket.list_files() == list_clip_names() == [f"{conversation.public_id}/item_1.ogg"]
        assert not LooseFile.objects.exists()

    @pytest.mark.parametrize("fault", ["500", "403", "hang"])
    @pytest.mark.usefixtures("quick")
    def test_a_bucket_that_fails_is_tried_again(self, conversation: Conversation, bucket: Bucket, fault: str) -> None:
        bucket.break_with(fault)
        with pytest.raises(ClipStorageError):
            saving.apply_changes(conversation.pk, [make_spoken()])
        assert not conversation.items.exists()
        bucket.heal()
        saving.apply_changes(conversation.pk, [make_spoken()])
        assert bucket.list_files() == list_clip_names() == [f"{conversation.public_id}/item_1.ogg"]

    def test_an_upload_that_was_never_committed_is_deleted(self, conversation: Conversation, bucket: Bucket) -> None:
        """As after a kill between the two."""
        prepared = saving.prepare(conversation.pk, [make_spoken()])
        clip_files.upload_all_blocking([*prepared.uploads.values()])
        LooseFile.objects.update(due_at=timezone.now())
        deletion.delete_loose_files()
        assert (bucket.list_files(), LooseFile.objects.count()) == ([], 0)

    @pytest.mark.usefixtures("quick")
    def test_what_is_deleted_is_deleted_however_often_it_fails(
        self, conversation: Conversation, bucket: Bucket
    ) -> None:
        saving.apply_changes(conversation.pk, [make_spoken("one"), make_spoken("two")])
        saving.apply_changes(conversation.pk, [Drop("one"), Drop("two")])
        for fault in ("500", "403", "lose"):
            bucket.break_with(fault, "DELETE")
            LooseFile.objects.update(due_at=timezone.now())
            deletion.delete_loose_files()
            assert deletion.count_remaining()["sound files"] == 2
        bucket.heal()
        LooseFile.objects.update(due_at=timezone.now())
        deletion.delete_loose_files()
        assert (bucket.list_files(), deletion.count_remaining()) == ([], {})


class TestListening:
    @pytest.fixture
    def url(self, conversation: Conversation) -> str:
        item = add_item(conversation, "Hello")
        add_clip(item)
        return reverse("clip", args=[item.pk])

    def test_it_works(self, as_owner: Client, url: str, bucket: Bucket) -> None:
        answer = as_owner.get(url)
        assert answer.content == bucket.read(list_clip_names()[0])
        assert answer["Content-Type"] == "audio/ogg"

    def test_a_range(self, as_owner: Client, url: str, bucket: Bucket) -> None:
        sound = bucket.read(list_clip_names()[0])
        bucket.asked.clear()
        answer = as_owner.get(url, headers={"Range": "bytes=10-19"})
        assert (answer.status_code, answer.content) == (206, sound[10:20])
        assert len(bucket.asked) == 1

    def test_nobody_else_hears_it(self, others: dict[str, Client], url: str, bucket: Bucket) -> None:
        bucket.asked.clear()
        heard = [who for who, client in others.items() if client.get(url).status_code != 404]
        assert not heard
        assert not bucket.asked

    @pytest.mark.parametrize("fault", ["500", "403", "hang", "lose", "cut"])
    @pytest.mark.usefixtures("quick")
    def test_a_bucket_that_fails(self, owner: User, as_owner: Client, url: str, bucket: Bucket, fault: str) -> None:
        bucket.break_with(fault)
        as_owner.raise_request_exception = False
        answer = as_owner.get(url)
        assert answer.status_code == 503
        assert b"storage of sound cannot be reached" in answer.content
        item = AudioClip.objects.get().item
        path = f"/v1/conversations/{item.conversation.public_id}/items/{item.public_id}/audio"
        assert get_error(build_client(owner).get(path))["code"] == "storage_unavailable"

    def test_sound_that_is_gone(self, as_owner: Client, url: str, bucket: Bucket) -> None:
        bucket.empty()
        assert as_owner.get(url).status_code == 404


def test_the_settings_are_used(server: Bucket, database_url: str, tmp_path: Path) -> None:
    env = {"DATABASE_URL": database_url, "SPOOL_DIR": str(tmp_path), **server.env}
    answer = json.loads(manage("doctor", "--offline", "--json", env=env).stdout)
    [text] = [one["text"] for one in answer["findings"] if "Sound can be" in one["text"]]
    assert text.startswith("Sound can be written, read and deleted (S3Storage")
    assert server.list_files() == []


class TestMoving:
    def test_there_and_back(self, server: Bucket, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
        make_conversation(None, "Hello", "Hi", sound=True)
        sounds = dict(ClipData.objects.values_list("name", "data"))
        gone = next(iter(sounds))
        settings.STORAGES = {**settings.STORAGES, "clips": server.setting}
        AudioClip.objects.get(file=gone).delete()  # while the settings name the bucket already
        for _ in range(2):
            call_command("move_clips")
        assert "Moved: 1." in capsys.readouterr().out
        assert {name: server.read(name) for name in server.list_files()} == {
            name: bytes(data) for name, data in sounds.items() if name != gone
        }
        assert not ClipData.objects.exists()
        call_command("move_clips", "--back")
        assert server.list_files() == []
        assert ClipData.objects.count() == 1

    def test_without_another_storage(self) -> None:
        with pytest.raises(CommandError, match="Set S3_BUCKET"):
            call_command("move_clips")


def test_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "botocore.config", None)
    with pytest.raises(ImproperlyConfigured, match=r"requirements-s3\.txt"):
        __import__("importlib").reload(s3_storage)
