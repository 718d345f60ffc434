"""The folder of the models: what is there, whether it is right, and how files come in and go."""

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from conversations.local_models.download import compute_hash, get_size
from conversations.local_models.errors import BusyError, DiskFullError, ModelError, WrongHashError
from conversations.local_models.manifest import Model, ModelFile, list_archives

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class FileState(Enum):
    """What is known of a file."""

    RIGHT = "right"
    MISSING = "missing"
    DAMAGED = "damaged"


class Store:
    """Models in a folder, each in one of its own that bears its name. What is being downloaded lies beside them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.downloads = folder / ".downloads"

    def get_path(self, model: Model, file: ModelFile) -> Path:
        """Return where a file is, or would be."""
        return self.folder / model.name / file.name

    def get_download_path(self, name: str, sha256: str) -> Path:
        """Return where an unfinished download is kept, apart from that of another version."""
        return self.downloads / f"{sha256[:16]}-{name.replace('/', '-')}"

    def is_complete(self, model: Model) -> bool:
        """Whether each file is there in its size: soon known, for lists. Before use, `verify`."""
        return all(get_size(self.get_path(model, file)) == file.size_bytes for file in model.files)

    def check(self, model: Model) -> dict[ModelFile, FileState]:
        """Return the state of each file, by its hash."""
        return {file: self._check_file(self.get_path(model, file), file) for file in model.files}

    def is_right(self, model: Model) -> bool:
        """Whether each file is there and has its hash."""
        return all(state is FileState.RIGHT for state in self.check(model).values())

    def verify(self, model: Model) -> Path:
        """Return the folder of a model that is whole and right. Raise ModelError."""
        states = self.check(model)
        for file, state in states.items():
            if state is not FileState.RIGHT:
                raise ModelError(
                    f"{file.name} of {model.name} is {state.value}. Run: manage.py models fetch {model.name}"
                )
        return self.folder / model.name

    def place(self, model: Model, file: ModelFile, pieces: Iterable[bytes], source: str) -> None:
        """Write a file, and move it into place if it has the right hash. Raise WrongHashError or DiskFullError."""
        path = self.get_path(model, file)
        draft = path.with_name(f".{path.name}.new")
        with self.tell_full_disk():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                if _write(draft, pieces, file.size_bytes) != file.sha256:
                    raise WrongHashError(
                        f"{file.name} of {model.name} from {source} has the wrong hash, and was not kept."
                    )
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)

    def check_room(self, needed_bytes: int) -> None:
        """Raise DiskFullError unless so much is free."""
        with self.tell_full_disk():
            self.downloads.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self.folder).free
        if free < needed_bytes:
            raise DiskFullError(
                f"{self.folder} has {free / 1e6:,.0f} MB left, and {needed_bytes / 1e6:,.0f} MB are needed."
            )

    def remove(self, model: Model) -> int:
        """Remove a model and what was begun of it. Return how many bytes that was. What else lies there stays."""
        paths = [self.get_path(model, file) for file in model.files]
        paths += self._list_downloads(model)
        freed = sum(get_size(path) for path in paths)
        with self.lock(), self.tell_full_disk():
            for path in paths:
                path.unlink(missing_ok=True)
            for folder in sorted({path.parent for path in paths}, reverse=True):
                if folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()
        return freed

    def remove_damaged(self, model: Model) -> None:
        """Remove the files of a model that are not right, so that nothing takes it for complete."""
        with self.lock(), self.tell_full_disk():
            for file, state in self.check(model).items():
                if state is FileState.DAMAGED:
                    self.get_path(model, file).unlink(missing_ok=True)

    def remove_downloads(self, model: Model) -> None:
        """Remove what was downloaded on the way to the model's files."""
        for path in self._list_downloads(model):
            path.unlink(missing_ok=True)

    def _list_downloads(self, model: Model) -> list[Path]:
        archives = [(archive.filename, archive.sha256) for archive in list_archives(model.files)]
        files = [(file.name, file.sha256) for file in model.files]
        return [self.get_download_path(name, sha256) for name, sha256 in (*archives, *files)]

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from changing the models. Raise BusyError if one does."""
        with self.tell_full_disk():
            self.folder.mkdir(parents=True, exist_ok=True)
            file = (self.folder / ".lock").open("w")
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise BusyError(f"Another command is changing the models in {self.folder}.") from None
            yield

    @contextmanager
    def tell_full_disk(self) -> Iterator[None]:
        """Turn an error of the file system into a DiskFullError or a ModelError."""
        try:
            yield
        except OSError as error:
            if error.errno in FULL:
                raise DiskFullError(
                    f"There is no room left in {self.folder}. What was begun has been removed."
                ) from None
            raise ModelError(f"{error.filename or self.folder}: {error.strerror or error}.") from None

    def _check_file(self, path: Path, file: ModelFile) -> FileState:
        if not path.is_file():
            return FileState.MISSING
        is_right = get_size(path) == file.size_bytes and compute_hash(path) == file.sha256
        return FileState.RIGHT if is_right else FileState.DAMAGED


def _write(path: Path, pieces: Iterable[bytes], size_bytes: int) -> str:
    """Write the pieces and return their hash. Stop once they are more than a file of this size holds."""
    digest, done = hashlib.sha256(), 0
    with path.open("wb") as target:
        for piece in pieces:
            target.write(piece)
            digest.update(piece)
            done += len(piece)
            if done > size_bytes:
                break
        target.flush()
        os.fsync(target.fileno())
    return digest.hexdigest()
