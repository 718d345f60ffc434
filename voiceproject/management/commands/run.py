"""`manage.py run`: the whole site in one process."""

import socket
from typing import Any

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import BaseCommand, CommandError, call_command
from django.db import Error, connection

from conversations.management.model_fetching import fetch_what_this_site_needs
from voiceproject import first_admin
from voiceproject.database import outages
from voiceproject.database.turns import take_turns
from voiceproject.server import daphne_server


class Command(BaseCommand):
    help = "Bring the database up to date and serve the site on HOST and PORT, until Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            placeholder = daphne_server.bind(settings.HOST, settings.PORT)
            check_database()
            with take_turns():
                call_command("migrate", verbosity=0, interactive=False)
            fetch_what_this_site_needs(self.stdout, self.stderr)
            self.serve(placeholder)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        except Error as error:
            if not outages.is_passing(error):
                raise
            raise CommandError(f"The database cannot be brought up to date: {outages.describe(error)}") from None

    def serve(self, placeholder: socket.socket) -> None:
        from conversations import background_jobs, site_engines
        from conversations.storage import deletion, journal_recovery, process_locks, spool
        from conversations.transport import admission
        from voiceproject.asgi import application  # Daphne's reactor and every view: slow, so after the quick refusals

        here = build_local_url(*placeholder.getsockname()[:2])
        address = f"https://{settings.ALLOWED_HOSTS[0]}" if settings.HTTPS else here
        path = first_admin.build_path_if_needed()
        connection.close()

        def greet() -> None:
            self.stdout.write(f"Voiceproject is running at {address}" + (f", from {here}" if settings.HTTPS else ""))
            if path:
                self.stdout.write(f"It has no admin yet. Create one within a day: {address}{path}")

        site_engines.begin_search()
        process_locks.begin()
        background_jobs.start(
            [
                spool.replay,
                journal_recovery.recover,
                process_locks.close_conversations_of_the_dead,
                deletion.delete_batch,
                deletion.delete_loose_files,
            ]
        )
        daphne_server.serve(placeholder, application, greet, admission)


def check_database() -> None:
    """Connect once without the pool, which would keep trying and hide the reason. Raise ImproperlyConfigured."""
    parameters = {**connection.get_connection_params(), "connect_timeout": 5}
    parameters.pop("pool", None)
    try:
        psycopg.connect(**parameters).close()
    except psycopg.Error as error:
        raise ImproperlyConfigured(f"DATABASE_URL: {' '.join(str(error).split())}") from None


def build_local_url(host: str, port: int) -> str:
    """Return the URL at which this machine reaches the server."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  compared, not bound
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
