"""The audio of items, and its files."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import Storage, storages
from django.db import models

from conversations.models.item import Item


def clip_storage() -> Storage:
    """Return the storage of clips, or raise ImproperlyConfigured."""
    try:
        return storages["clips"]
    except (ImproperlyConfigured, TypeError) as error:  # TypeError: the storage knows no such option
        names = "S3_BUCKET" if settings.S3_BUCKET else "CLIPS_STORAGE, CLIPS_STORAGE_OPTIONS"
        raise ImproperlyConfigured(f"{names}: {error}") from None


class AudioClip(models.Model):
    """The audio of one item, Ogg Opus. Its bytes are in the `clips` storage, never in this row."""

    item = models.OneToOneField(Item, on_delete=models.CASCADE, related_name="clip")
    file = models.FileField(storage=clip_storage, max_length=200)
    duration_ms = models.PositiveIntegerField()
    size_bytes = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.duration_ms / 1000:.1f} s"


class ClipData(models.Model):
    """The bytes behind `clip_storage.PostgresStorage`, the default `clips` storage."""

    name = models.CharField(max_length=200, unique=True)
    data = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class LooseFile(models.Model):
    """A file of a clip storage outside the database that belongs to no clip: reserved for an upload, or to be deleted.

    See `storage.clips.clip_files`.
    """

    name = models.CharField(max_length=200, unique=True)
    is_reserved = models.BooleanField(help_text="Kept for an upload that may still be running.")
    due_at = models.DateTimeField(db_index=True, help_text="When it will be deleted.")
    tries = models.PositiveIntegerField(default=0, help_text="How many attempts were made to delete it.")

    def __str__(self) -> str:
        return self.name
