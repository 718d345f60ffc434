"""`manage.py restore`: such a file into an empty database."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from voiceproject.database import dumps


class Command(BaseCommand):
    requires_system_checks = []
    help = "Read a file that manage.py backup or pg_dump --format=custom wrote into an empty database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="what manage.py backup wrote")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it. Raise CommandError with what went wrong, in one line."""
        path: Path = options["file"]
        try:
            dumps.restore(path)
        except dumps.DumpError as error:
            raise CommandError(str(error)) from None
        self.stdout.write("Restored. Start the site, and see what manage.py doctor says.")
