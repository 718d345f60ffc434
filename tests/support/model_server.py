"""A package registry and a model hub on this machine, with packages made in the test."""

import hashlib
import io
import json
import re
import tarfile
import threading
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"


class ModelServer:
    """What is served, what was asked, and where answers break off."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, bytes]] = {}
        self.asked: list[tuple[str, str]] = []  # paths, with the range that was asked for
        self.cuts: dict[str, list[int]] = defaultdict(
            list
        )  # after how many bytes each next answer of a path breaks off
        self.redirects: dict[str, str] = {}
        self.held: dict[str, threading.Event] = {}  # set when a path is asked for, whose answer then does not come
        self.ended = threading.Event()
        self.knows_ranges = True
        self.url = ""

    @property
    def index(self) -> str:
        return f"{self.url}/simple"

    def add_file(self, path: str, body: bytes) -> str:
        self.pages[path] = ("application/octet-stream", body)
        return f"{self.url}{path}"

    def add_wheel(self, package: str, filename: str, body: bytes, kind: str = SIMPLE_JSON) -> None:
        url = self.add_file(f"/files/{filename}", body)
        as_json = json.dumps({"files": [{"filename": filename, "url": url}]})
        as_html = f'<!DOCTYPE html><a href="../../files/{filename}#sha256=0">{filename}</a>'
        self.pages[f"/simple/{package}/"] = (kind, (as_json if "json" in kind else as_html).encode())

    def add_npm(self, package: str, version: str, filename: str, body: bytes) -> None:
        url = self.add_file(f"/{package}/-/{filename}", body)
        self.pages[f"/{package}/{version}"] = ("application/json", json.dumps({"dist": {"tarball": url}}).encode())

    def list_asked(self, ending: str) -> list[str]:
        """Return the ranges that were asked for of the files with this ending."""
        return [asked for path, asked in self.asked if path.endswith(ending)]


@contextmanager
def run_model_server() -> Iterator[ModelServer]:
    served = ModelServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            served.asked.append((self.path, asked))
            if self.path in served.redirects:
                self.send_response(302)
                self.send_header("Location", served.redirects[self.path])
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if self.path not in served.pages:
                self.send_error(404)
                return
            kind, body = served.pages[self.path]
            match = re.fullmatch(r"bytes=(\d+)-", asked) if served.knows_ranges else None
            start = int(match[1]) if match else 0
            if match and start >= len(body):
                self.send_error(416)
                return
            self.send_response(206 if match else 200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body) - start))
            if match:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.end_headers()
            if self.path in served.held:
                served.held[self.path].set()
                served.ended.wait()
                return
            cuts = served.cuts[self.path]
            self.wfile.write(body[start:][: cuts.pop(0) if cuts else None])

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield served
        finally:
            served.ended.set()
            server.shutdown()
            thread.join()


def build_wheel(members: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return written.getvalue()


def build_tarball(members: dict[str, bytes], links: dict[str, str]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:
        for name, body in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
        for name, target in links.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return written.getvalue()


def compute_sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
