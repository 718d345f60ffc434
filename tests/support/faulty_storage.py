"""A clip storage outside the database, over a folder, that fails, hangs or is slow as a file beside the folder says."""

import json
import time
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

LOOK_SEC = 0.01


class FaultyStorage(FileSystemStorage):
    """A storage that misbehaves as a file says, which maps `save` and `delete` to a fault.

    A fault is `fail`, `half` (some of it is written, then it fails), `hang`, or seconds.
    """

    def _save(self, name: str, content: Any) -> str:
        if self._read_fault("save") == "half":
            _write(self, name, ContentFile(content.read()[:10]))
        self._stumble("save")
        return _write(self, name, content)

    def delete(self, name: str) -> None:
        self._stumble("delete")
        super().delete(name)

    def _stumble(self, what: str) -> None:
        fault = self._read_fault(what)
        if fault in ("fail", "half"):
            raise ConnectionError("The storage is away.")
        while fault == "hang" and self._read_fault(what) == "hang":
            time.sleep(LOOK_SEC)
        if isinstance(fault, float):
            time.sleep(fault)

    def _read_fault(self, what: str) -> Any:
        return json.loads(_find_control(Path(self.location)).read_text()).get(what)


def _write(storage: Any, name: str, content: Any) -> str:
    return str(FileSystemStorage._save(storage, name, content))  # type: ignore[attr-defined]  # Django's stubs lack it


class Faults:
    """The storage's folder, and the switches of its faults."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.set()

    def set(self, **faults: str | float) -> None:
        draft = self.folder.with_suffix(".new")
        draft.write_text(json.dumps(faults))
        draft.rename(_find_control(self.folder))

    def list_files(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*.ogg"))

    @property
    def setting(self) -> dict[str, Any]:
        return {"BACKEND": "tests.support.faulty_storage.FaultyStorage", "OPTIONS": {"location": str(self.folder)}}


def _find_control(folder: Path) -> Path:
    return folder.with_suffix(".faults")
