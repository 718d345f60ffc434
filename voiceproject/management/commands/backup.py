"""`manage.py backup`: the whole database in one file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from voiceproject.database import dumps


class Command(BaseCommand):
    requires_system_checks = []
    help = "Write the whole database into one file. The keys are not in it: docs/operations.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="where it is written; it must not be there yet")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it. Raise CommandError with what went wrong, in one line."""
        path: Path = options["file"]
        try:
            dumps.dump(path)
        except dumps.DumpError as error:
            raise CommandError(str(error)) from None
        size = f"{path.stat().st_size / 1e6:,.1f} MB"
        self.stdout.write(f"Written: {path}, {size}. Keep FIELD_ENCRYPTION_KEY and SECRET_KEY too, in another place.")
