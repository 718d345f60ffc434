"""Restart the embedded Postgres if it is killed while the site runs."""

import atexit
import logging
import socket
from collections.abc import Mapping
from pathlib import Path
from threading import Event, Thread

from django.core.exceptions import ImproperlyConfigured

from voiceproject.local import embedded_postgres

log = logging.getLogger("voiceproject.postgres")

LOOK_SEC = 0.5
RETRY_SEC = 5.0  # after a start that failed, as on a full disk


def begin(data_dir: Path, settings: Mapping[str, str] | None = None) -> None:
    """Watch the server from `embedded_postgres.start` until this process ends. Its last user stops the server then."""
    is_ending = Event()
    Thread(target=_watch, args=(data_dir, settings or {}, is_ending), name="postgres watch", daemon=True).start()
    atexit.register(is_ending.set)  # ahead of what stops the server, since it was registered later


def _watch(data_dir: Path, settings: Mapping[str, str], is_ending: Event) -> None:
    wait_sec = LOOK_SEC
    while not is_ending.wait(wait_sec):
        wait_sec = LOOK_SEC
        if _is_gone(data_dir):
            try:
                if embedded_postgres.start_again(data_dir, settings):
                    log.warning("the embedded Postgres had ended; it runs again")
            except (ImproperlyConfigured, OSError) as error:
                log.error("the embedded Postgres has ended, and cannot start: %s", error)
                wait_sec = RETRY_SEC


def _is_gone(data_dir: Path) -> bool:
    """Return whether nobody listens any more. A server that is only paused or slow still does."""
    with socket.socket(socket.AF_UNIX) as client:
        client.setblocking(False)
        try:
            client.connect(str(embedded_postgres.get_socket_path(data_dir)))
        except (ConnectionRefusedError, FileNotFoundError):
            return True
        except BlockingIOError:
            return False
    return False
