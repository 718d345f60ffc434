"""`manage.py run`: the whole site in one process."""

from typing import Any

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import BaseCommand, CommandError, call_command
from django.db import connection

from voiceproject import server


class Command(BaseCommand):
    help = "Bring the database up to date and serve the site on HOST and PORT, until Ctrl-C."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            placeholder = server.bind(settings.HOST, settings.PORT)
            check_database()
            call_command("migrate", verbosity=0, interactive=False)
            host, port = placeholder.getsockname()[:2]
            from voiceproject.asgi import application

            server.serve(placeholder, application, lambda: self.stdout.write(f"http://{host}:{port}"))
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None


def check_database() -> None:
    """One plain try first: the pool would keep trying, and hide the reason."""
    parameters = {**connection.get_connection_params(), "connect_timeout": 5}
    parameters.pop("pool", None)
    try:
        psycopg.connect(**parameters).close()
    except psycopg.Error as error:
        raise ImproperlyConfigured(f"DATABASE_URL: {' '.join(str(error).split())}") from None
