"""Files that one process writes and whichever comes first reads: a lock tells whether the writer, or a reader, lives.

The kernel releases a lock when its process ends, however that ended.
"""

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path

DRAFT_SEC = 60.0  # an older draft is not being written any more
log = logging.getLogger(__name__)


def create(path: Path, data: bytes, *, is_synced: bool = False) -> int:
    """Create a file whole or not at all, for its owner alone, and return it open for more, and locked. Raise OSError.

    With `is_synced` it also outlives a failure of the machine.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    file = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)  # before others see it under its name
        write_all(file, data)
        if is_synced:
            os.fsync(file)
        draft.rename(path)
        if is_synced:
            _sync_folder(path.parent)
    except BaseException:
        os.close(file)
        draft.unlink(missing_ok=True)
        raise
    return file


def write_all(file: int, data: bytes) -> None:
    """Write all of `data`, or raise OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _sync_folder(folder: Path) -> None:
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@contextmanager
def claim(path: Path) -> Iterator[bytes | None]:
    """Lock a file and yield its bytes; None if its writer lives, or if somebody else reads it or has removed it.

    A file that cannot be read is left alone, and logged: others wait behind it.
    """
    with ExitStack() as stack:
        data = None
        try:
            file = stack.enter_context(path.open("rb"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            data = file.read() if path.exists() else None
        except (FileNotFoundError, BlockingIOError):
            pass
        except OSError as error:
            _warn_once(path.name, f"cannot be read: {error.strerror}")
        yield data


def remove(path: Path) -> None:
    """Remove a file that has been dealt with. One that cannot be removed is logged, and met again."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _warn_once(path.name, f"cannot be removed: {error.strerror}")


@lru_cache(maxsize=1000)
def _warn_once(name: str, problem: str) -> None:
    """Log what is wrong with a file below SPOOL_DIR, the first time it is met."""
    log.warning("%s in SPOOL_DIR %s", name, problem)


def remove_drafts(folder: Path) -> None:
    """Remove the files that killed processes had begun to create."""
    for draft in folder.glob("*.new"):
        with claim(draft) as data:
            if data is not None and time.time() - draft.stat().st_mtime > DRAFT_SEC:
                remove(draft)
