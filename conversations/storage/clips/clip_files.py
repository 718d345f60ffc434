"""The files of clips in a storage outside the database: they are reserved, uploaded, attached to a clip, deleted later.

No transaction covers such a storage. So a file is on the list of loose files (`LooseFile`) from before its upload until
a clip takes it over, in the transaction that creates the clip, and again from the moment that its clip is deleted.
Whatever fails in between, the list names every file that nobody needs, and `deletion` deletes those.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from threading import BoundedSemaphore, Thread

from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.utils import timezone

from conversations import background_jobs
from conversations.models import AudioClip, Conversation, LooseFile, clip_storage
from conversations.realtime.protocol.ids import make_id
from conversations.storage.clips.postgres_storage import PostgresStorage

UPLOAD_SEC = 20.0  # for one file; a storage that takes longer is taken to hang
MAX_UPLOADS = 64  # at the same time in this process, including those that hang
# By then no upload can still be running, so the file is deleted unless a clip has taken it over.
RESERVED_FOR = timedelta(hours=1)
PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_room = BoundedSemaphore(MAX_UPLOADS)


class ClipStorageError(Exception):
    """The clip storage fails or hangs. It may work again later."""


@dataclass(frozen=True, slots=True)
class Upload:
    """The file of one item, with its reserved name.

    If it is not `is_new`, an earlier try may have left a part of it under this name.
    """

    name: str
    content: bytes
    is_new: bool


def is_outside() -> bool:
    """Return whether clips lie outside the database, where its transactions do not reach."""
    return not isinstance(clip_storage(), PostgresStorage)


def reserve(conversation: Conversation, sounds: Mapping[str, bytes]) -> dict[str, Upload]:
    """Reserve names for the audio of items, and return the uploads by the items' ids.

    A second try gets the same name, and so leaves no second file. A name that belongs to a clip, or whose file is being
    deleted, is not given out: the new file would be deleted too.
    """
    wanted = {item_id: f"{conversation.public_id}/{_make_safe_stem(item_id)}.ogg" for item_id in sounds}
    clips = AudioClip.objects.filter(item__conversation=conversation, file__in=wanted.values())
    taken = set(clips.values_list("file", flat=True))
    reserved = _reserve(set(wanted.values()) - taken)
    others = {
        id_: name.replace(".ogg", f"-{make_id('clip')}.ogg") for id_, name in wanted.items() if name not in reserved
    }
    reserved |= _reserve(set(others.values()))
    names = wanted | others
    return {id_: Upload(names[id_], content, reserved[names[id_]]) for id_, content in sounds.items()}


def _make_safe_stem(item_id: str) -> str:
    """Return an item's id as a safe file name: clients choose ids, and none may lead to another folder."""
    return item_id if PLAIN_ID.fullmatch(item_id) else sha256(item_id.encode()).hexdigest()[:40]


def _reserve(names: Iterable[str]) -> dict[str, bool]:
    """Reserve names. Return for each whether it is new; names whose files are to be deleted are left out."""
    statement = """
        INSERT INTO conversations_loosefile (name, is_reserved, due_at, tries)
        SELECT unnest(%s::text[]), true, %s, 0
        ON CONFLICT (name) DO UPDATE SET due_at = excluded.due_at WHERE conversations_loosefile.is_reserved
        RETURNING name, xmax = 0"""
    with connection.cursor() as cursor:
        cursor.execute(statement, [sorted(names), _compute_expiry()])
        return dict(cursor.fetchall())


def abandon(names: Iterable[str]) -> None:
    """Give up names whose uploads hang. They may still finish, so their files are deleted only when none can hang."""
    LooseFile.objects.filter(name__in=names).update(is_reserved=False, due_at=_compute_expiry())


def discard(names: Iterable[str]) -> None:
    """Delete the files of clips; call it within the transaction that deletes the clips."""
    storage = clip_storage()
    if isinstance(storage, PostgresStorage):
        storage.delete_files(names)
        return
    statement = """
        INSERT INTO conversations_loosefile (name, is_reserved, due_at, tries) SELECT unnest(%s::text[]), false, %s, 0
        ON CONFLICT (name) DO UPDATE SET is_reserved = false, due_at = excluded.due_at"""
    with connection.cursor() as cursor:
        cursor.execute(statement, [sorted(set(names)), timezone.now()])
    transaction.on_commit(background_jobs.wake)


def attach(names: list[str]) -> None:
    """Note that clips have these files now, within the transaction that creates the clips.

    Raise ClipStorageError if one of the files is being deleted.
    """
    if LooseFile.objects.filter(name__in=names, is_reserved=True).delete()[0] < len(names):
        raise ClipStorageError("A reservation has run out.")


def _compute_expiry() -> datetime:
    return timezone.now() + RESERVED_FOR


def start_upload(upload: Upload) -> "Future[None]":
    """Upload in a new thread, or raise ClipStorageError if too many are running.

    An upload that hangs cannot be stopped; with a thread of its own, neither others nor the exit wait for it.
    """
    if not _room.acquire(blocking=False):
        raise ClipStorageError(f"{MAX_UPLOADS} uploads are under way or hang.")
    future: Future[None] = Future()
    future.set_running_or_notify_cancel()  # a caller that gives up waiting must not cancel it
    Thread(target=_run_upload, args=(upload, future), name="clip upload", daemon=True).start()
    return future


def _run_upload(upload: Upload, future: "Future[None]") -> None:
    try:
        _save_file(upload)
    except Exception as error:  # whatever is wrong, in whichever library's words
        failure = ClipStorageError(f"{type(error).__name__}: {error}")
        failure.__cause__ = error
        future.set_exception(failure)
    else:
        future.set_result(None)
    finally:
        _room.release()
        connection.close()


def _save_file(upload: Upload) -> None:
    """Save the file under exactly its name: a storage that finds it taken would choose another, unknown to us."""
    storage = clip_storage()
    if not upload.is_new and storage.exists(upload.name):
        storage.delete(upload.name)
    name = storage.save(upload.name, ContentFile(upload.content))
    if name != upload.name:
        storage.delete(name)
        raise ClipStorageError(f"It renamed {upload.name} to {name}.")


async def upload_all(uploads: Sequence[Upload]) -> list[str]:
    """Upload all, and return the names of those that hang. Raise ClipStorageError if one fails."""
    started = {asyncio.wrap_future(start_upload(one)): one.name for one in uploads}
    done, hanging = await asyncio.wait(started, timeout=UPLOAD_SEC) if started else (set(), set())
    for future in done:
        future.result()
    return [started[future] for future in hanging]


def upload_all_blocking(uploads: Sequence[Upload]) -> list[str]:
    """Upload all from sync code, and return the names of those that hang. Raise ClipStorageError if one fails."""
    started = {start_upload(one): one.name for one in uploads}
    done, hanging = wait_for(started, UPLOAD_SEC)
    for future in done:
        future.result()
    return [started[future] for future in hanging]
