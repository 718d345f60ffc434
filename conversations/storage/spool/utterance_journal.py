"""Keeps what is being said in files, until it is stored: it outlives its process, however that is killed.

An item is stored when its utterance has ended. What came of an utterance before goes, twice a second and in a thread of
its own, into a file below SPOOL_DIR; the file is removed once the item is stored, or dropped. The kernel holds what was
written, so that it survives `kill -9`, but not a loss of power. A file is locked while its process lives. When that is
gone, `journal_recovery` makes an item of it.

Per frame this costs a place in a queue. Whatever the disk does, no conversation waits for it.
"""

import asyncio
import json
import logging
import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread

from django.conf import settings

from conversations.storage.spool import locked_files
from conversations.storage.spool.unstored_changes import Origin
from conversations.storage.store import OpenedConversation

log = logging.getLogger(__name__)

WRITE_SEC = 0.5  # between two writes: what a killed process loses of an utterance at most
CLOSE_SEC, LOOK_SEC = 1.0, 0.02  # how long a session that ends waits for the disk, and how often it looks
MAX_WAITING_BYTES = 2_000_000  # of one utterance, while the disk hangs
MAX_UTTERANCES = 8  # of one session, while nothing can be stored
SUFFIX = ".utterance"


@dataclass(eq=False, slots=True)
class Utterance:
    """One utterance that is not stored yet. The loop puts sound in, and the writer takes it out."""

    path: Path
    head: bytes
    waiting: deque[bytes] = field(default_factory=deque)
    given_bytes: int = 0
    written_bytes: int = 0
    is_cut: bool = False  # no more of it is kept: the disk hangs or is full, or it is too much
    is_over: bool = False  # it is stored, or dropped
    file: int | None = None

    def add(self, pcm: bytes) -> None:
        if not self.is_cut:
            self.waiting.append(pcm)
            self.given_bytes += len(pcm)
            self.is_cut = self.given_bytes - self.written_bytes > MAX_WAITING_BYTES


class JournalWriter:
    """The thread of this process that writes what is being said, of all its sessions."""

    def __init__(self) -> None:
        self._begun: deque[Utterance] = deque()
        self._has_work, self._is_urgent = Event(), Event()
        self._lock = Lock()  # guards what follows, and the files
        self._open: list[Utterance] = []
        self._thread: Thread | None = None
        self._has_failed = False

    def begin(self, utterance: Utterance) -> None:
        """Write this utterance from now on, until it is over."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name="utterance journal", daemon=True)
            self._thread.start()
        self._begun.append(utterance)
        self._has_work.set()

    def hurry(self) -> None:
        """Write now, and remove the files of what is over."""
        self._is_urgent.set()

    def _run(self) -> None:
        while True:
            self._has_work.wait()
            self._is_urgent.wait(WRITE_SEC)
            self._is_urgent.clear()
            self._has_work.clear()
            if self.write():
                self._has_work.set()

    def write(self) -> bool:
        """Write what has come, remove the files of what is over, and return whether anything is being said."""
        with self._lock:
            while self._begun:
                self._open.append(self._begun.popleft())
            over = [one for one in self._open if one.is_over]
            for utterance in over:
                _remove(utterance)
            self._open = [one for one in self._open if one not in over]
            room = settings.UTTERANCE_JOURNAL_BYTES - sum(one.written_bytes for one in self._open)
            for utterance in self._open:
                room -= self._write_one(utterance, room)
            return bool(self._open or self._begun)

    def _write_one(self, utterance: Utterance, room: int) -> int:
        """Write what waits of an utterance, and return how much that was."""
        pcm = b"".join(utterance.waiting.popleft() for _ in range(len(utterance.waiting)))
        if not pcm or len(pcm) > room:
            utterance.is_cut = utterance.is_cut or bool(pcm)
            return 0
        try:
            if utterance.file is None:
                utterance.file = locked_files.create(utterance.path, utterance.head + pcm)
            else:
                locked_files.write_all(utterance.file, pcm)
        except OSError as error:
            utterance.is_cut = True
            if not self._has_failed:
                log.warning("what is being said cannot be kept in SPOOL_DIR for now: %s", error)
            self._has_failed = True
            return 0
        self._has_failed = False
        utterance.written_bytes += len(pcm)
        return len(pcm)


def _remove(utterance: Utterance) -> None:
    if utterance.file is not None:
        with suppress(OSError):
            utterance.path.unlink(missing_ok=True)  # before its lock is released
        with suppress(OSError):
            os.close(utterance.file)
        utterance.file = None


_writer = JournalWriter()  # of this process


class UtteranceJournal:
    """What the user of one session says and what is not stored yet.

    `has_stored` tells whether anything of the session was stored by now.
    """

    def __init__(
        self, opened: OpenedConversation, has_stored: Callable[[], bool], writer: JournalWriter = _writer
    ) -> None:
        self._opened = opened
        self._has_stored = has_stored
        self._writer = writer
        self._is_on = opened.pk is not None and settings.UTTERANCE_JOURNAL_BYTES > 0
        self._utterances: dict[str, Utterance] = {}
        self._known_ids = {item.id for item in opened.items}
        self._last_id = opened.items[-1].id if opened.items else ""  # of the item that an utterance comes after

    def add(self, item_id: str, pcm: bytes) -> None:
        """Keep the next PCM of the utterance that becomes the item `item_id`."""
        utterance = self._utterances.get(item_id)
        if utterance is not None:
            utterance.add(pcm)
        elif self._is_on and len(self._utterances) < MAX_UTTERANCES:
            self._begin(item_id).add(pcm)

    def _begin(self, item_id: str) -> Utterance:
        origin = Origin.from_session(self._opened, self._has_stored())
        head = {"origin": asdict(origin), "item_id": item_id, "after": self._last_id}
        path = settings.SPOOL_DIR / f"{time.time_ns():020}-{origin.public_id}{SUFFIX}"
        self._utterances[item_id] = utterance = Utterance(path, json.dumps(head).encode() + b"\n")
        self._writer.begin(utterance)
        return utterance

    def note_item(self, item_id: str, after: str | None) -> None:
        """Take notice of an item that is being stored, at the end of the conversation or `after` another one."""
        if item_id not in self._known_ids:
            self._known_ids.add(item_id)
            self._last_id = item_id if after is None else self._last_id

    def forget(self, item_id: str) -> None:
        """Remove the utterance: its item is stored, or will not be."""
        if utterance := self._utterances.pop(item_id, None):
            utterance.is_over = True

    def stop(self) -> None:
        """Keep nothing from now on, and nothing that was kept."""
        self._is_on = False
        for item_id in list(self._utterances):
            self.forget(item_id)

    async def close(self) -> None:
        """Remove the files of the session, which has ended. A disk that hangs is not waited for."""
        left = list(self._utterances.values())
        self.stop()
        self._writer.hurry()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SEC):
                while any(utterance.file is not None for utterance in left):  # noqa: ASYNC110  the disk tells nobody
                    await asyncio.sleep(LOOK_SEC)
