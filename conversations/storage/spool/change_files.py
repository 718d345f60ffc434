"""Keeps what a session could not store by its end in files under SPOOL_DIR, and stores it when the database is back.

There is one file for each session, with its changes in order and their audio. Any process that sees the folder stores
it, also after a restart. A file is locked while a try of the session itself still hangs: that must not take effect
after a later one.
"""

import asyncio
import logging
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock

from django.conf import settings

from accounts.models import User
from conversations import background_jobs
from conversations.models import Assistant, Conversation
from conversations.storage import leases, saving
from conversations.storage.changes import Change, Put
from conversations.storage.clips.clip_files import ClipStorageError
from conversations.storage.leases import ConversationDeletedError
from conversations.storage.spool import locked_files, unstored_changes
from conversations.storage.spool.unstored_changes import Origin, UnstoredChanges
from voiceproject.database import outages

log = logging.getLogger(__name__)

MEMORY_BYTES = 64_000_000  # kept in memory at most, if the folder cannot be written
SET_ASIDE, SET_ASIDE_SEC = ".failed", 86_400.0  # that long at least, for people to look at
CLIPS_RETRY_SEC = 30.0  # between two tries, since each takes long when the clip storage hangs
_memory: list[tuple[str, bytes]] = []
_lock = Lock()
_clips_not_before = 0.0


async def keep_unstored_changes(unstored: UnstoredChanges, hanging: "asyncio.Future[None] | None" = None) -> None:
    """Keep changes on disk, or in memory if the disk fails. `hanging` is the session's own last try, if it hangs."""
    name = f"{time.time_ns():020}-{unstored.origin.public_id}.jsonl"
    held = await asyncio.to_thread(_write_or_remember, name, unstored)
    if held is None or hanging is None:
        _release(held)
    else:
        hanging.add_done_callback(lambda _: _release(held))


def _release(held: int | None) -> None:
    if held is not None:
        os.close(held)  # and so release its lock
    background_jobs.wake()


def _write_or_remember(name: str, unstored: UnstoredChanges) -> int | None:
    """Write the file, and return it, locked; None if it had to be kept in memory, or was lost."""
    data = unstored_changes.encode(unstored)
    log.warning("%s: %d changes are kept until they can be stored", name, len(unstored.changes))
    try:
        return _write_file(settings.SPOOL_DIR, name, data)
    except OSError as error:
        log.error("SPOOL_DIR cannot be written, so they are kept in memory: %s", error)
    with _lock:
        if len(data) + sum(len(other) for _, other in _memory) > MEMORY_BYTES:
            log.error("%s is lost: too much is kept in memory", name)
        else:
            _memory.append((name, data))
    return None


def _write_file(folder: Path, name: str, data: bytes) -> int:
    """Write a file whole or not at all, even if the machine fails, and return it, locked. Raise OSError."""
    kept = (*folder.glob("*.jsonl"), *folder.glob(f"*{SET_ASIDE}"))
    if sum(path.stat().st_size for path in kept) + len(data) > settings.SPOOL_MAX_BYTES:
        raise OSError("SPOOL_MAX_MB is reached.")
    return locked_files.create(folder / name, data, is_synced=True)


# Storing what was kept.


def replay() -> bool:
    """Store what is kept, the oldest first. Raise DatabaseError while the database is still away.

    It returns False, for `background_jobs`: there is nothing more to do at once.
    """
    if time.monotonic() < _clips_not_before:
        return False
    for path in sorted(settings.SPOOL_DIR.glob("*.jsonl")):
        with locked_files.claim(path) as data:
            if data and _try_store(path.name, data):
                locked_files.remove(path)
    for kept in list(_memory):
        if _try_store(*kept):
            with _lock:
                _memory.remove(kept)
    _forget_set_aside()
    return False


def _forget_set_aside() -> None:
    """Remove what was set aside of conversations that are deleted by now."""
    old = [path for path in settings.SPOOL_DIR.glob(f"*{SET_ASIDE}") if _measure_age_sec(path) > SET_ASIDE_SEC]
    if not old:
        return
    ids = {path: path.name.partition("-")[2].partition(".")[0] for path in old}
    known = set(Conversation.objects.owned().filter(public_id__in=ids.values()).values_list("public_id", flat=True))
    for path, public_id in ids.items():
        if public_id not in known:
            locked_files.remove(path)


def _measure_age_sec(path: Path) -> float:
    with suppress(FileNotFoundError):  # another process has removed it
        return time.time() - path.stat().st_mtime
    return 0.0


def _try_store(name: str, data: bytes) -> bool:
    """Try to store a file, and return whether it need not be kept. What can never be stored is set aside."""
    global _clips_not_before
    try:
        unstored = unstored_changes.parse(data)
        store_changes(unstored)
    except ClipStorageError as error:
        log.warning("%s waits for the clip storage: %s", name, error)
        _clips_not_before = time.monotonic() + CLIPS_RETRY_SEC
        return False
    except Exception as error:
        if outages.is_passing(error):
            raise
        log.exception("%s can never be stored; it is set aside beside the others", name)
        set_aside(name, data)
    else:
        log.info("%s: %d changes are stored", name, len(unstored.changes))
    return True


def store_changes(unstored: UnstoredChanges) -> None:
    """Store the changes. A conversation that somebody deleted meanwhile stays deleted."""
    if not _store_in_conversation(unstored) and not unstored.origin.has_stored:
        # Its own session, which ended at that moment, had taken the empty conversation away.
        _store_in_conversation(unstored)


def _store_in_conversation(unstored: UnstoredChanges) -> bool:
    """Store the changes in their conversation, and return False if it is gone."""
    if not unstored.origin.has_stored:
        restore_conversation(unstored.origin)
    conversation = Conversation.objects.owned().filter(pk=unstored.origin.pk).first()
    if conversation is None:
        return False
    made = (
        unstored.changes
        if conversation.holder == unstored.origin.holder
        else _select_new_items(conversation, unstored.changes)
    )
    try:
        saving.apply_changes(conversation.pk, made)
    except ConversationDeletedError:
        return False
    leases.end(conversation.pk, unstored.origin.holder)
    return True


def restore_conversation(origin: Origin) -> None:
    """Create the conversation again if it is gone: it went with its session, as empty, but was not."""
    is_gone = not Conversation.objects.filter(pk=origin.pk).exists()
    if is_gone and User.objects.filter(pk=origin.user_id).exists():
        assistant = Assistant.objects.filter(slug=origin.assistant).first()
        named = {"pk": origin.pk, "public_id": origin.public_id, "holder": origin.holder}
        Conversation.objects.create(user_id=origin.user_id, assistant=assistant, **named)


def _select_new_items(conversation: Conversation, made: Sequence[Change]) -> list[Change]:
    """Return only the changes that add items: another session has taken over, and what it has read must not change."""
    ids = [change.item.id for change in made if isinstance(change, Put)]
    known = set(conversation.items.filter(public_id__in=ids).values_list("public_id", flat=True))
    return [change for change in made if isinstance(change, Put) and change.item.id not in known]


def set_aside(name: str, data: bytes) -> None:
    """Keep what can never be stored beside the others, for people to look at."""
    try:
        os.close(_write_file(settings.SPOOL_DIR, f"{name}{SET_ASIDE}", data))
    except OSError as error:
        log.error("%s is lost: %s", name, error)
