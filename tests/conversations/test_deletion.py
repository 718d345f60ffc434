import pytest
from django.core.files.storage import InMemoryStorage

from conversations import deletion
from conversations.models import AudioClip, ClipData, Conversation, Item
from tests.factories import make_conversation, make_user

pytestmark = pytest.mark.django_db


def test_it_works() -> None:
    doomed, kept = (make_conversation(None, "Hello", "Hi", sound=True) for _ in range(2))
    assert deletion.delete_conversations([doomed]) == 1
    assert list(Conversation.objects.all()) == [kept]
    assert Item.objects.count() == AudioClip.objects.count() == ClipData.objects.count() == 2


def test_everything_of_a_user() -> None:
    user, other = make_user(), make_user()
    for owner in (user, user, other):
        make_conversation(owner, "Hello", sound=True)
    assert deletion.delete_conversations_of([user]) == 2
    user.delete()
    assert ClipData.objects.count() == 1


def test_nothing_to_delete() -> None:
    assert deletion.delete_conversations([]) == 0


class BrokenStorage(InMemoryStorage):
    def delete(self, name: str) -> None:
        raise OSError("The storage is away.")


def test_a_storage_that_fails_keeps_the_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else its sound would stay behind where nobody sees it."""
    conversation = make_conversation(None, "Hello", sound=True)
    monkeypatch.setattr(deletion, "clip_storage", BrokenStorage)
    with pytest.raises(OSError, match="away"):
        deletion.delete_conversations([conversation])
    assert AudioClip.objects.filter(item__conversation=conversation).exists()
