"""The default storage of clips: audio as rows of Postgres. A setting moves clips elsewhere, such as to S3."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.apps import apps
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
from django.db.models.functions import Length
from django.utils.deconstruct import deconstructible

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from conversations.models import ClipData


def _select_clip_rows() -> "QuerySet[ClipData]":
    # Looked up when used: the models module names this storage, so it cannot be imported from here.
    return apps.get_model("conversations", "ClipData").objects.all()


@deconstructible
class PostgresStorage(Storage):
    """Store clips whole, about 5 kB a second. They have no public URLs: `views.clips` checks who asks."""

    def _save(self, name: str, content: "File[bytes]") -> str:
        _select_clip_rows().create(name=name, data=content.read())
        return name

    def _open(self, name: str, mode: str = "rb") -> "File[bytes]":
        data = _select_clip_rows().filter(name=name).values_list("data", flat=True).first()
        if data is None:
            raise FileNotFoundError(name)
        return ContentFile(bytes(data), name)

    def delete(self, name: str) -> None:
        _select_clip_rows().filter(name=name).delete()

    def delete_files(self, names: Iterable[str]) -> None:
        """Delete many clips in one statement, within the transaction of the caller."""
        _select_clip_rows().filter(name__in=names).delete()

    def exists(self, name: str) -> bool:
        return _select_clip_rows().filter(name=name).exists()

    def size(self, name: str) -> int:
        length = _select_clip_rows().filter(name=name).values_list(Length("data"), flat=True).first()
        if length is None:
            raise FileNotFoundError(name)
        return int(length)
