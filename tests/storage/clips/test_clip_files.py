"""Sound in a storage outside the database: no file without a clip, no clip without a file, nothing locked meanwhile."""

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from conversations.audio.opus import Encoding
from conversations.models import AudioClip, Conversation, LooseFile
from conversations.realtime.protocol.items import LiveItem
from conversations.storage import deletion, saving, store
from conversations.storage.changes import Drop, Put
from conversations.storage.clips import clip_files
from conversations.storage.clips.clip_files import ClipStorageError
from tests.support.factories import make_conversation
from tests.support.faulty_storage import Faults
from tests.support.polling import poll

SOUND = bytes(48_000)


@pytest.fixture
def faults(tmp_path: Path, settings: Settings) -> Faults:
    faults = Faults(tmp_path / "clips")
    settings.STORAGES = {**settings.STORAGES, "clips": faults.setting}
    return faults


@pytest.fixture
def conversation(db: None, faults: Faults) -> Conversation:
    return make_conversation()


def make_spoken(name: str = "item_1", pcm: bytes = SOUND) -> Put:
    item = LiveItem(name, role="user", is_audio=True, audio_samples=len(pcm) // 2)
    return Put(item, make_clip=partial(Encoding().finish, pcm))


def list_clip_names() -> list[str]:
    return sorted(AudioClip.objects.values_list("file", flat=True))


def test_it_works(conversation: Conversation, faults: Faults) -> None:
    saving.apply_changes(conversation.pk, [make_spoken()])
    clip = AudioClip.objects.get()
    assert faults.list_files() == list_clip_names() == [f"{conversation.public_id}/item_1.ogg"]
    assert (faults.folder / str(clip.file)).stat().st_size == clip.size_bytes
    assert not LooseFile.objects.exists()


def test_a_second_try_makes_no_second_file(conversation: Conversation, faults: Faults) -> None:
    """Whatever became of the first: uploaded and not committed, or committed without an answer."""
    prepared = saving.prepare(conversation.pk, [make_spoken()])
    clip_files.upload_all_blocking([*prepared.uploads.values()])
    for _ in range(2):
        saving.apply_changes(conversation.pk, [make_spoken()])
    assert faults.list_files() == list_clip_names() == [f"{conversation.public_id}/item_1.ogg"]
    assert not LooseFile.objects.exists()


@pytest.mark.parametrize("fault", ["fail", "half"])
def test_a_storage_that_fails_is_tried_again(conversation: Conversation, faults: Faults, fault: str) -> None:
    faults.set(save=fault)
    with pytest.raises(ClipStorageError, match="away"):
        saving.apply_changes(conversation.pk, [make_spoken()])
    assert not conversation.items.exists()
    faults.set()
    saving.apply_changes(conversation.pk, [make_spoken()])
    assert faults.list_files() == list_clip_names()
    assert (faults.folder / list_clip_names()[0]).stat().st_size == AudioClip.objects.get().size_bytes


def test_a_storage_that_hangs_costs_its_file_another_name(
    conversation: Conversation, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What hangs may still write, long after the clip of the next try was deleted again."""
    monkeypatch.setattr(clip_files, "UPLOAD_SEC", 0.05)
    faults.set(save="hang")
    with pytest.raises(ClipStorageError, match="hang"):
        saving.apply_changes(conversation.pk, [make_spoken()])
    monkeypatch.undo()
    faults.set()
    saving.apply_changes(conversation.pk, [make_spoken()])
    assert list_clip_names() != [f"{conversation.public_id}/item_1.ogg"]
    LooseFile.objects.update(due_at=timezone.now())
    deletion.delete_loose_files()
    assert faults.list_files() == list_clip_names()


def test_an_upload_that_nobody_took_over_is_deleted(conversation: Conversation, faults: Faults) -> None:
    prepared = saving.prepare(conversation.pk, [make_spoken()])
    clip_files.upload_all_blocking([*prepared.uploads.values()])
    deletion.delete_loose_files()
    assert faults.list_files()  # it may be under way
    LooseFile.objects.update(due_at=timezone.now())
    deletion.delete_loose_files()
    assert (faults.list_files(), LooseFile.objects.count()) == ([], 0)
    with pytest.raises(ClipStorageError):  # its commit comes too late, and is tried again from the start
        saving.commit(prepared)
    saving.apply_changes(conversation.pk, [make_spoken()])
    assert faults.list_files() == list_clip_names()


def test_a_reservation_beside_a_clip_does_not_delete_its_file(conversation: Conversation, faults: Faults) -> None:
    saving.apply_changes(conversation.pk, [make_spoken()])
    LooseFile.objects.create(name=list_clip_names()[0], is_reserved=True, due_at=timezone.now())
    deletion.delete_loose_files()
    assert faults.list_files() == list_clip_names()


def test_an_id_that_comes_again_has_its_own_sound(conversation: Conversation, faults: Faults) -> None:
    saving.apply_changes(conversation.pk, [make_spoken()])
    saving.apply_changes(conversation.pk, [Drop("item_1"), make_spoken(pcm=SOUND * 3)])
    saving.apply_changes(conversation.pk, [Drop("item_1")])
    saving.apply_changes(conversation.pk, [make_spoken(pcm=SOUND * 2)])
    deletion.delete_loose_files()
    assert faults.list_files() == list_clip_names()
    assert AudioClip.objects.get().duration_ms == 2000


def test_no_id_leads_out_of_the_folder(conversation: Conversation, faults: Faults) -> None:
    saving.apply_changes(
        conversation.pk, [make_spoken(name) for name in ("../../up", "/root", "a/b", ".", "ü", "a\\b")]
    )
    assert faults.list_files() == list_clip_names()
    assert {name.rpartition("/")[0] for name in faults.list_files()} == {conversation.public_id}


def test_what_is_deleted_is_deleted_however_often_the_storage_fails(conversation: Conversation, faults: Faults) -> None:
    saving.apply_changes(conversation.pk, [make_spoken("one"), make_spoken("two")])
    faults.set(delete="fail")
    deletion.delete_conversations([conversation])
    assert not Conversation.objects.filter(pk=conversation.pk).exists()
    assert not deletion.delete_loose_files()
    assert len(faults.list_files()) == deletion.count_remaining()["sound files"] == 2
    assert LooseFile.objects.filter(due_at__lte=timezone.now() + timedelta(seconds=20), tries=1).count() == 2
    faults.set()
    LooseFile.objects.update(due_at=timezone.now())
    deletion.delete_loose_files()
    assert (faults.list_files(), deletion.count_remaining()) == ([], {})


@pytest.mark.usefixtures("committed_db")
async def test_a_storage_that_hangs_locks_nothing(faults: Faults) -> None:
    user = await User.objects.acreate(email=f"{uuid4().hex}@example.com")
    conversation = await Conversation.objects.acreate(user=user)
    faults.set(save="hang")
    hanging = [asyncio.create_task(store.write(conversation.pk, [make_spoken(f"item_{n}")])) for n in range(20)]

    async def are_all_hanging() -> bool:
        return await LooseFile.objects.filter(name__startswith=conversation.public_id).acount() == len(hanging)

    await poll(are_all_hanging)
    async with asyncio.timeout(5):
        await store.write(conversation.pk, [Put(LiveItem("typed", role="user", text="Hello"))])
    faults.set()
    await asyncio.gather(*hanging)
    assert await conversation.items.acount() == 21
    assert len(faults.list_files()) == 20
