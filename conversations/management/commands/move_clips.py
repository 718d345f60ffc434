"""`manage.py move_clips`: stored sound from Postgres to the clip storage of the settings, or back."""

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.core.management.base import BaseCommand, CommandError

from conversations.models import AudioClip, ClipData, clip_storage
from conversations.storage.clips import clip_files
from conversations.storage.clips.postgres_storage import PostgresStorage

BATCH = 200
TOLD_EVERY = 1000


class Command(BaseCommand):
    help = (
        "Move stored sound from Postgres to the storage that S3_BUCKET or CLIPS_STORAGE names; with --back, from there "
        "to Postgres. It may be stopped and started again at any time, also while the site runs."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--back", action="store_true", help="to Postgres, before the settings are unset")

    def handle(self, *args: Any, **options: Any) -> None:
        """Move all, and print how many. Raise CommandError if there is no storage beside Postgres."""
        if not clip_files.is_outside():
            raise CommandError("The settings name no storage but Postgres. Set S3_BUCKET or CLIPS_STORAGE first.")
        outside, inside = clip_storage(), PostgresStorage()
        source, target = (outside, inside) if options["back"] else (inside, outside)
        moved = 0
        for pk, name in _list_clips():
            moved += _move(pk, name, source, target)
            if moved and moved % TOLD_EVERY == 0:
                self.stdout.write(f"{moved:,} …")
        # What was deleted meanwhile was deleted where the settings say, not in Postgres.
        ClipData.objects.exclude(name__in=AudioClip.objects.values("file")).delete()
        self.stdout.write(f"Moved: {moved:,}.")


def _list_clips() -> Iterator[tuple[int, str]]:
    """Yield the keys and the names of all clips, in batches: there may be millions."""
    last = 0
    while rows := list(AudioClip.objects.filter(pk__gt=last).order_by("pk").values_list("pk", "file")[:BATCH]):
        yield from rows
        last = rows[-1][0]


def _move(pk: int, name: str, source: Storage, target: Storage) -> bool:
    """Copy one file, then delete it at the source. Return False if it is not there, mostly as it was moved already."""
    if not source.exists(name):
        return False
    with source.open(name) as file:
        content = file.read()
    target.delete(name)  # a copy that was broken off
    if (saved := target.save(name, ContentFile(content))) != name:
        target.delete(saved)
        raise CommandError(f"The storage renamed {name} to {saved}, and its clip would not be found.")
    source.delete(name)
    if not AudioClip.objects.filter(pk=pk).exists():  # it was deleted meanwhile, perhaps before it was there
        target.delete(name)
    return True
