from typing import Any

import pytest
from django.core.files.storage import InMemoryStorage, Storage
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.deletion import delete_users
from accounts.models import User
from conversations.models import AudioClip, ClipData, Conversation, Item
from conversations.realtime.protocol import items as live
from conversations.storage import changes, deletion, saving
from conversations.storage.clips import file_deletion
from conversations.storage.leases import ConversationDeletedError
from tests.support.factories import make_conversation, make_user

pytestmark = pytest.mark.django_db


def test_it_works() -> None:
    doomed, kept = (make_conversation(None, "Hello", "Hi", sound=True) for _ in range(2))
    assert deletion.delete_conversations([doomed]) == 1
    assert list(Conversation.objects.all()) == [kept]
    assert Item.objects.count() == AudioClip.objects.count() == ClipData.objects.count() == 2


def test_everything_of_a_user_is_deleted() -> None:
    user, other = make_user(), make_user()
    for owner in (user, user, other):
        make_conversation(owner, "Hello", sound=True)
    assert deletion.delete_conversations_of([user]) == 2
    user.delete()
    assert ClipData.objects.count() == 1


def test_nothing_to_delete() -> None:
    assert deletion.delete_conversations([]) == 0


def make_long_conversation(user: User, clips: int) -> Conversation:
    conversation = make_conversation(user)
    fields = {"conversation": conversation, "role": "user", "status": "completed"}
    items = Item.objects.bulk_create(Item(public_id=f"i{n}", position=n, text="Hello", **fields) for n in range(clips))
    names = [f"{conversation.public_id}/{item.public_id}.ogg" for item in items]
    ClipData.objects.bulk_create(ClipData(name=name, data=b"sound") for name in names)
    rows = zip(items, names, strict=True)
    AudioClip.objects.bulk_create(AudioClip(item=item, file=name, duration_ms=1, size_bytes=5) for item, name in rows)
    Conversation.objects.filter(pk=conversation.pk).update(item_count=clips)
    return conversation


def test_a_long_one_vanishes_at_once_and_goes_in_batches(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """However long it is, the request takes no longer; a server that stops between two batches goes on later."""
    user, staff = make_user(), make_user(is_staff=True, is_superuser=True)
    conversation = make_long_conversation(user, clips=1_600)
    with django_assert_max_num_queries(20):
        assert deletion.delete_conversations([conversation]) == 1
    assert deletion.count_remaining() == {"conversations": 1, "items": 1_100}
    clip = reverse("clip", args=[conversation.items.order_by("-position")[0].pk])
    for person in (user, staff):
        client.force_login(person)
        assert client.get(conversation.get_absolute_url()).status_code == 404
        assert client.get(clip).status_code == 404
    page = client.get(reverse("admin:conversations_conversation_changelist")).content.decode()
    assert user.email not in page
    assert "1,100 items" in client.get(reverse("admin:index")).content.decode()
    with pytest.raises(ConversationDeletedError):
        saving.apply_changes(conversation.pk, [changes.Put(live.LiveItem("late", role="user", text="Hello"))])
    batches = 1
    while deletion.delete_batch():
        batches += 1
    assert batches == 3
    assert not ClipData.objects.exists()
    assert not Item.objects.exists()
    assert not Conversation.objects.exists()


def test_a_user_with_much_to_delete_is_gone_at_once() -> None:
    user = make_user()
    long, short = make_long_conversation(user, clips=1_100), make_conversation(user, "Hello", sound=True)
    delete_users(User.objects.filter(pk=user.pk))
    assert not User.objects.filter(pk=user.pk).exists()
    assert not Conversation.objects.owned().filter(pk__in=[long.pk, short.pk]).exists()
    assert make_user(email=user.email)
    call_command("background")
    assert deletion.count_remaining() == {}
    assert not ClipData.objects.exists()


class BrokenStorage(InMemoryStorage):
    def delete(self, name: str) -> None:
        raise OSError("The storage is away.")


class BucketStorage(Storage):
    """As django-storages has it for S3: with a bucket that deletes many keys in one call."""

    def __init__(self) -> None:
        self.bucket = self
        self.calls: list[list[str]] = []

    def _normalize_name(self, name: str) -> str:
        return f"folder/{name}"

    def delete_objects(self, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803  # boto3's name
        self.calls.append([one["Key"] for one in Delete["Objects"]])
        return {"Errors": [{"Key": "folder/2"}]}


def test_files_that_the_storage_keeps_are_known() -> None:
    assert file_deletion.delete_files(BrokenStorage(), ["1", "2"]) == {"1", "2"}
    assert file_deletion.delete_files(InMemoryStorage(), ["1", "2"]) == set()
    assert file_deletion.delete_files(BrokenStorage(), []) == set()


def test_a_storage_that_can_deletes_many_in_one_call() -> None:
    bucket = BucketStorage()
    assert file_deletion.delete_files(bucket, ["1", "2", "3"]) == {"2"}
    assert bucket.calls == [["folder/1", "folder/2", "folder/3"]]
