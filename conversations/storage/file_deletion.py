"""Deleting many files of a storage: in one call where it can, else side by side, and with a deadline in any case."""

from collections.abc import Collection
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any

from django.core.files.storage import Storage
from django.db import connection

THREADS = 8
DEADLINE_SEC = 120.0  # for a batch


def delete_files(storage: Storage, names: Collection[str]) -> set[str]:
    """Returns the names of those that may still be there."""
    work = _Work(names)
    is_bulk = hasattr(getattr(storage, "bucket", None), "delete_objects")
    threads = [
        # No exit waits for a storage that hangs.
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
    def __init__(self, names: Collection[str]) -> None:
        self.lock = Lock()
        self.done: set[str] = set()
        self._names = SimpleQueue[str]()
        for name in names:
            self._names.put(name)

    def delete_each(self, storage: Storage) -> None:
        while (name := self._next()) is not None:
            try:
                storage.delete(name)
            except FileNotFoundError:
                pass
            except Exception:  # noqa: S112  whatever is wrong, in whichever library's words: it is tried again
                continue
            with self.lock:
                self.done.add(name)
        connection.close()

    def delete_at_once(self, storage: Any) -> None:
        """By the one call of S3 that takes a thousand keys, which django-storages does not use by itself."""
        names = {}
        while (name := self._next()) is not None:
            names[storage._normalize_name(name)] = name
        wanted = {"Objects": [{"Key": key} for key in names], "Quiet": True}
        try:
            failed = {error["Key"] for error in storage.bucket.delete_objects(Delete=wanted).get("Errors", [])}
        except Exception:  # as above
            return
        with self.lock:
            self.done |= {name for key, name in names.items() if key not in failed}

    def _next(self) -> str | None:
        try:
            return self._names.get_nowait()
        except Empty:
            return None
