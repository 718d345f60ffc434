"""Tells which processes are gone, long before the leases of their sessions have lapsed.

Each process that serves the site holds a lock on a file below SPOOL_DIR, and its name is in the ids of its sessions
(`holder`). The kernel releases the lock when the process ends, however that ended. So whichever process sees the folder
closes the conversations of one that was killed within seconds, and nobody who continues one waits for who is gone.
"""

import atexit
import logging
import secrets
from base64 import b32encode
from pathlib import Path

from django.conf import settings

from conversations.realtime.protocol.ids import make_id
from conversations.storage import leases
from conversations.storage.spool import locked_files

log = logging.getLogger(__name__)

SUFFIX = ".alive"
PREFIX = "hold"
_name = ""  # of this process, once it holds its lock


def begin() -> None:
    """Hold the lock of this process from now on. Without one, only its leases tell that it is gone."""
    global _name
    name = b32encode(secrets.token_bytes(5)).decode().lower()
    path = settings.SPOOL_DIR / f"{name}{SUFFIX}"
    try:
        locked_files.create(path, b"")  # it stays open, and so locked, until the process ends
    except OSError as error:
        log.warning("SPOOL_DIR cannot be written, so a killed process is only noticed by its leases: %s", error)
        return
    atexit.register(path.unlink, missing_ok=True)
    _name = name


def make_holder() -> str:
    """Return the id of a new session of this process."""
    return make_id(f"{PREFIX}_{_name}" if _name else PREFIX)


def close_conversations_of_the_dead() -> bool:
    """Close what killed processes of this machine held. Raise DatabaseError while the database is away.

    What was being said in it is to be recovered before (`journal_recovery`). It returns False, for `background_jobs`:
    there is nothing more to do at once.
    """
    for path in settings.SPOOL_DIR.glob(f"*{SUFFIX}"):
        _close_if_dead(path)
    return False


def _close_if_dead(path: Path) -> None:
    with locked_files.claim(path) as data:
        if data is None:
            return
        closed = leases.break_off_all(f"{PREFIX}_{path.stem}_")
        locked_files.remove(path)
        if closed:
            log.info("closed %d conversations of a process that was killed", closed)
