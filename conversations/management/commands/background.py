"""`manage.py background`: do now, and to its end, what the serving process does in the background."""

from typing import Any

from django.core.management import BaseCommand

from conversations.storage import deletion
from conversations.storage.spool import change_files, journal_recovery, process_locks


class Command(BaseCommand):
    help = "Finish deletions, and store what calls left behind while the database was away."

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until nothing is left to do, or nothing more can be done now, and print what is left."""
        jobs = (
            change_files.replay,
            journal_recovery.recover,
            process_locks.close_conversations_of_the_dead,
            deletion.delete_batch,
            deletion.delete_loose_files,
        )
        for job in jobs:
            while job():
                pass
        left = ", ".join(f"{count:,} {name}" for name, count in deletion.count_remaining().items())
        self.stdout.write(f"Still to be deleted: {left}." if left else "Nothing is left to do.")
