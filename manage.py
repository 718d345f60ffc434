#!/usr/bin/env python
"""The one entrance for every command. Without DATABASE_URL it brings Postgres along, for several processes Redis."""

import os
import signal
import sys
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from dotenv import load_dotenv

from voiceproject.local import embedded_postgres, embedded_redis, generated_keys, postgres_watch
from voiceproject.server import worker_count

BASE_DIR = Path(__file__).resolve().parent


def prepare(command: str) -> None:
    """Raise ImproperlyConfigured, in one line that names the variable or the folder."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voiceproject.settings")
    load_dotenv(BASE_DIR / os.environ.get("ENV_FILE", ".env"))
    if embedded_postgres.is_installed():  # so this is somebody's own machine, not the image
        prepare_var(command, BASE_DIR / "var")
    if command == "run" and not worker_count.read_worker_number():
        prepare_redis()
    settings.INSTALLED_APPS  # noqa: B018  reads the settings, so that a wrong one is found here


def prepare_var(command: str, var_dir: Path) -> None:
    is_embedded = not os.environ.get("DATABASE_URL")
    if is_embedded or command == "run":
        generated_keys.make_missing(var_dir)
    if is_embedded:
        os.environ["DATABASE_URL"] = embedded_postgres.start(var_dir / "postgres")
        if command == "run":
            postgres_watch.begin(var_dir / "postgres")


def prepare_redis() -> None:
    """Bring Redis along where several processes need it and there is none."""
    if worker_count.read_worker_count() > 1 and not os.environ.get("REDIS_URL"):
        os.environ["REDIS_URL"] = embedded_redis.start()


def main() -> None:
    # By default neither signal would run what stops Postgres.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        prepare(sys.argv[1] if len(sys.argv) > 1 else "help")
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Cannot start: {error}")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


if __name__ == "__main__":
    main()
