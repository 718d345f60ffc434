"""Servers of language models on loopback ports, and what else may stand there."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PIECE = b" " * 65_536


class LocalServer:
    """A web server that answers what its `pages` say, by path, and remembers what it was asked.

    A page is a JSON value, or a function that is given the handler of the request. Others are not found.
    """

    def __init__(self, port: int = 0, **pages: Any) -> None:
        self.pages = {f"/{name.replace('__', '/')}": page for name, page in pages.items()}
        self.asked: list[tuple[str, str, str | None]] = []  # method, path, authorization
        self.is_over = threading.Event()
        handler = _make_handler(self)
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.is_over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _make_handler(served: LocalServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append((self.command, self.path, self.headers.get("Authorization")))
            page = served.pages.get(self.path)
            if callable(page):
                page(self)
            elif page is None:
                self.send_error(404)
            else:
                answer(self, json.dumps(page).encode())

        def log_message(self, *arguments: Any) -> None:
            pass

    return Handler


@contextmanager
def run_local_server(port: int = 0, **pages: Any) -> Iterator[LocalServer]:
    server = LocalServer(port, **pages)
    try:
        yield server
    finally:
        server.close()


def answer(handler: BaseHTTPRequestHandler, body: bytes, content_type: str = "application/json") -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", content_type)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def answer_html(handler: BaseHTTPRequestHandler) -> None:
    answer(handler, b"<html>It works!</html>", "text/html")


def answer_without_end(megabytes: int) -> Callable[[BaseHTTPRequestHandler], None]:
    """Return a page of so many megabytes of spaces, which are valid before a JSON value."""

    def write(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(megabytes * 16):
            handler.wfile.write(PIECE)

    return write


def redirect(url: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def write(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", url)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return write


def hang_until(is_over: threading.Event) -> Callable[[BaseHTTPRequestHandler], None]:
    def wait(handler: BaseHTTPRequestHandler) -> None:
        is_over.wait(30)

    return wait


def list_models(*names: str, owner: str = "library", **fields: Any) -> dict[str, Any]:
    """Return an answer to /v1/models."""
    return {
        "object": "list",
        "data": [{"id": name, "object": "model", "created": 1, "owned_by": owner, **fields} for name in names],
    }


def list_tags(modified: dict[str, str]) -> dict[str, Any]:
    """Return an answer to /api/tags, by name when each was brought here."""
    details = {"family": "llama"}
    return {"models": [{"name": name, "modified_at": at, "details": details} for name, at in modified.items()]}
