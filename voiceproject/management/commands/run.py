"""`manage.py run`: the whole site, in one process or in several that share its port."""

import os
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import BaseCommand, CommandError, call_command
from django.db import Error, connection

from conversations.management.model_fetching import fetch_what_this_site_needs
from voiceproject import first_admin, log_context
from voiceproject.database import outages
from voiceproject.database.turns import take_turns
from voiceproject.server import process, supervisor, worker_link
from voiceproject.server.worker_link import WorkerLink
from voiceproject.settings.env import BASE_DIR

END_SEC = 60.0  # for one of several processes to end, more than its sessions and requests get
# Where Linux keeps files in memory: metrics are written amid calls, which no slow disk may hold up.
IN_MEMORY = "/dev/shm"  # noqa: S108  # a private folder is made in it


class Command(BaseCommand):
    help = "Bring the database up to date and serve the site on HOST and PORT, until Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if link := worker_link.find_link():
                self.serve(link.listener, link=link)
                return
            listener = process.bind(settings.HOST, settings.PORT)
            check_database()
            with take_turns():
                call_command("migrate", verbosity=0, interactive=False)
            fetch_what_this_site_needs(self.stdout, self.stderr)
            self.first_admin_path = first_admin.build_path_if_needed()
            connection.close()
            if settings.WORKERS > 1:
                self.supervise(listener)
            else:
                self.serve(listener)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        except Error as error:
            if not outages.is_passing(error):
                raise
            raise CommandError(f"The database cannot be brought up to date: {outages.describe(error)}") from None

    def supervise(self, listener: socket.socket) -> None:
        """Serve in several processes, and exit with their exit code."""
        memory = IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else None
        with tempfile.TemporaryDirectory(prefix="voiceproject-metrics-", dir=memory) as metrics:
            exit_code = supervisor.Supervisor(
                listener,
                settings.WORKERS,
                [sys.executable, str(BASE_DIR / "manage.py"), "run"],
                lambda: self.greet(listener),
                END_SEC,
                {**os.environ, "PROMETHEUS_MULTIPROC_DIR": metrics, "PYTHONUNBUFFERED": "1"},
            ).run()
        if exit_code:
            sys.exit(exit_code)

    def serve(self, listener: socket.socket, link: WorkerLink | None = None) -> None:
        """Serve in this process."""
        from conversations import background_jobs, site_engines
        from conversations.engines.local.workers import pools
        from conversations.engines.local.workers.places import Places, count_places
        from conversations.storage import deletion
        from conversations.storage.spool import change_files, journal_recovery, process_locks
        from conversations.transport import admission
        from voiceproject.asgi import application  # every view: slow, so after the quick refusals
        from voiceproject.metrics import figures

        if link:
            link.end_with_supervisor(END_SEC)
            figures.show_board(link.board)
            most = count_places(settings.LOCAL_MODELS_MEMORY_MB)
            pools.share_places(Places(Path(settings.METRICS_DIR) / "models", most, settings.WORKERS))
            log_context.name_worker(str(link.number))
        site_engines.begin_search()
        process_locks.begin()
        background_jobs.start(
            [
                change_files.replay,
                journal_recovery.recover,
                process_locks.close_conversations_of_the_dead,
                deletion.delete_batch,
                deletion.delete_loose_files,
            ]
        )
        ready = (lambda: None) if link else (lambda: self.greet(listener))
        process.load_server().serve(listener, application, ready, admission, link)

    def greet(self, listener: socket.socket) -> None:
        here = build_local_url(*listener.getsockname()[:2])
        address = f"https://{settings.ALLOWED_HOSTS[0]}" if settings.HTTPS else here
        in_workers = f" with {settings.WORKERS} processes" if settings.WORKERS > 1 else ""
        from_here = f", from {here}" if settings.HTTPS else ""
        self.stdout.write(f"Voiceproject is running at {address}{from_here}{in_workers}")
        if self.first_admin_path:
            self.stdout.write(f"It has no admin yet. Create one within a day: {address}{self.first_admin_path}")


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
