"""The files that recordings are written to, line by line, by one thread of the process.

Whoever adds a line does not wait for the disk, and what waits for it is bounded.
"""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread

MAX_WAITING_BYTES = 8_000_000  # of one file, should the disk hang
ENDING = '{{"ending":"{0}"}}\n'

_work: "SimpleQueue[RecordingFile]" = SimpleQueue()
_starting = Lock()
_thread: Thread | None = None


class FullError(Exception):
    """The file or its folder holds as much as it may, or the disk does not keep up. It ends the file."""


class RecordingFile:
    """A file that only its owner may read. It is made with the first line, and its last line says why it ends.

    `max_bytes` bounds the file, `max_folder_bytes` all that its folder holds when the file is made. `warn` is called
    once, from whichever thread, when the file ends before its time; further lines are dropped then.
    """

    def __init__(self, path: Path, max_bytes: int, max_folder_bytes: int, warn: Callable[[Exception], None]) -> None:
        self._path = path
        self._room_bytes = max_bytes
        self._max_folder_bytes = max_folder_bytes
        self._warn = warn
        self._lock = Lock()
        self._lines: list[str] = []
        self._waiting_bytes = 0
        self._is_queued = self._is_closing = self._is_finished = False
        self._ending = ""  # why it ends, once it does
        self._file: int | None = None
        self._closed: Future[None] = Future()

    def put(self, line: str) -> None:
        """Add a line, which ends with a line break. This neither waits nor raises."""
        with self._lock:
            if self._ending or self._is_closing:
                return
            self._waiting_bytes += len(line)
            if self._waiting_bytes > MAX_WAITING_BYTES:
                self._ending = "the disk was too slow"
            else:
                self._lines.append(line)
            self._queue()
        if self._ending:
            self._warn(FullError(self._ending))

    async def close(self, timeout_sec: float) -> None:
        """End the file, and wait until all is written, for at most `timeout_sec`."""
        with self._lock:
            self._is_closing = True
            self._queue()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self._closed)), timeout_sec)

    def _queue(self) -> None:
        if not self._is_queued:
            self._is_queued = True
            _start_thread()
            _work.put(self)

    # The thread's side.

    def write_waiting(self) -> None:
        """Write the lines that wait. What cannot be written ends the file; nothing is raised."""
        with self._lock:
            lines, self._lines = self._lines, []
            self._waiting_bytes = 0
            self._is_queued = False
            is_closing = self._is_closing
        try:
            self._write(lines)
        except (OSError, FullError) as error:
            self._lines, self._ending = [], "it is full" if isinstance(error, FullError) else "it could not be written"
            self._warn(error)
        if self._ending or is_closing:
            self._finish(self._ending or "the session was over")
        if is_closing:
            self._closed.set_result(None)

    def _write(self, lines: list[str]) -> None:
        if not lines or self._is_finished:
            return
        if self._file is None:
            self._file = self._open()
        fitting: list[bytes] = []
        for line in lines:
            data = line.encode(errors="replace")
            self._room_bytes -= len(data)
            if self._room_bytes < 0:
                break
            fitting.append(data)
        _write_all(self._file, b"".join(fitting))
        if self._room_bytes < 0:
            raise FullError(f"{self._path} holds as much as it may")

    def _open(self) -> int:
        folder = self._path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        held_bytes = sum(entry.stat(follow_symlinks=False).st_size for entry in os.scandir(folder))
        self._room_bytes = min(self._room_bytes, self._max_folder_bytes - held_bytes)
        if self._room_bytes <= 0:
            raise FullError(f"{folder} holds as much as it may")
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)

    def _finish(self, reason: str) -> None:
        """Write the last line, for which there is always room, and close the file."""
        self._is_finished = True
        if self._file is None:
            return
        with suppress(OSError):
            _write_all(self._file, ENDING.format(reason).encode())
        with suppress(OSError):
            os.close(self._file)
        self._file = None


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _start_thread() -> None:
    global _thread
    with _starting:
        if _thread is None:
            _thread = Thread(target=_run, name="recordings", daemon=True)
            _thread.start()


def _run() -> None:
    while True:
        _work.get().write_waiting()
