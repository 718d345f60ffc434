import pytest
from django.core.files.base import ContentFile

from conversations.models import ClipData
from conversations.storage.clips.postgres_storage import PostgresStorage

pytestmark = pytest.mark.django_db


def test_it_works() -> None:
    storage = PostgresStorage()
    name = storage.save("a.ogg", ContentFile(b"sound"))
    assert storage.exists(name)
    assert storage.size(name) == 5
    with storage.open(name) as file:
        file.seek(2)
        assert file.read() == b"und"
    storage.delete(name)
    assert not storage.exists(name)


def test_a_name_that_is_taken_gets_another() -> None:
    storage = PostgresStorage()
    assert storage.save("a.ogg", ContentFile(b"1")) != storage.save("a.ogg", ContentFile(b"2"))
    assert ClipData.objects.count() == 2


def test_what_is_not_there() -> None:
    storage = PostgresStorage()
    storage.delete("gone.ogg")
    with pytest.raises(FileNotFoundError):
        storage.open("gone.ogg")
    with pytest.raises(FileNotFoundError):
        storage.size("gone.ogg")


def test_there_is_no_public_address() -> None:
    with pytest.raises(NotImplementedError):
        PostgresStorage().url("a.ogg")
