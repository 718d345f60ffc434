"""Deletes many files of a storage: in one call if the storage can, else side by side; always with a deadline."""

from collections.abc import Collection
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any

from django.core.files.storage import Storage
from django.db import connection

THREADS = 8
DEADLINE_SEC = 120.0  # for a batch


def delete_files(storage: Storage, names: Collection[str]) -> set[str]:
    """Delete files, and return the names of those that may still exist."""
    work = _Work(names)
    is_bulk = hasattr(getattr(storage, "bucket", None), "delete_objects")
    threads = [
        # Daemons, so that the exit does not wait for a storage that hangs.
        Thread(target=work.delete_at_once if is_bulk else work.delete_each, args=(storage,), daemon=True)
        for _ in range(min(1 if is_bulk else THREADS, len(names)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_SEC / len(threads))
    with work.lock:
        return set(names) - work.done


class _Work:
    """Files to delete, shared by the threads that delete them."""

    def __init__(self, names: Collection[str]) -> None:
        self.lock = Lock()
        self.done: set[str] = set()
        self._names = SimpleQueue[str]()
        for name in names:
            self._names.put(name)

    def delete_each(self, storage: Storage) -> None:
        while (name := self._take_next()) is not None:
            try:
                storage.delete(name)
            except FileNotFoundError:
                pass
            except Exception:  # noqa: S112  each storage library has its own errors; the file is tried again later
                continue
            with self.lock:
                self.done.add(name)
        connection.close()

    def delete_at_once(self, storage: Any) -> None:
        """Delete by S3's call for up to a thousand keys, which django-storages does not use by itself."""
        names = {}
        while (name := self._take_next()) is not None:
            names[storage._normalize_name(name)] = name
        wanted = {"Objects": [{"Key": key} for key in names], "Quiet": True}
        try:
            failed = {error["Key"] for error in storage.bucket.delete_objects(Delete=wanted).get("Errors", [])}
        except Exception:  # as above
            return
        with self.lock:
            self.done |= {name for key, name in names.items() if key not in failed}

    def _take_next(self) -> str | None:
        try:
            return self._names.get_nowait()
        except Empty:
            return None
