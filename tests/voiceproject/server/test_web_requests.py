"""Bodies without an end, answers that nobody reads, and answers that break."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import IO
from urllib.parse import urlsplit

import pytest

from tests.support.bare_server import NAMES, run_bare_server
from tests.support.live import Site


@contextmanager
def open_connection(site: Site) -> Iterator[socket.socket]:
    with closing(
        socket.create_connection((urlsplit(site.url).hostname, urlsplit(site.url).port), timeout=30)
    ) as opened:
        yield opened


def build_head(site: Site, *lines: str) -> bytes:
    return "\r\n".join(("POST /v1/voice/turns HTTP/1.1", f"Host: {urlsplit(site.url).netloc}", *lines, "", "")).encode()


def read_to_end(connection: socket.socket) -> bytes:
    read = b""
    while piece := connection.recv(65536):
        read += piece
    return read


def is_refused(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.startswith(b"HTTP/1.1 413 ") and json.loads(body)["error"]["code"] == "request_too_large"


def test_a_client_that_asks_first_need_not_send(live_site: Site) -> None:
    with open_connection(live_site) as client:
        client.sendall(build_head(live_site, "Content-Length: 1000000000", "Expect: 100-continue"))
        answer = b""
        while not answer.endswith(b"}"):
            answer += client.recv(65536)
        assert is_refused(answer)
        assert b"100 Continue" not in answer


def test_a_body_without_an_end(live_site: Site) -> None:
    """The client is told once, and cut off in the end, whatever it goes on to send."""
    megabyte = b"100000\r\n" + bytes(0x100000) + b"\r\n"
    with open_connection(live_site) as client:
        client.sendall(build_head(live_site, "Transfer-Encoding: chunked"))
        with pytest.raises(ConnectionError):
            client.sendall(megabyte * 100)
    assert "Traceback" not in live_site.log


def test_a_body_that_is_only_too_large_is_answered(live_site: Site) -> None:
    with open_connection(live_site) as client:
        client.sendall(build_head(live_site, "Content-Length: 30000000"))
        client.sendall(bytes(30_000_000))
        assert is_refused(read_to_end(client))


def test_a_form_of_a_million_fields_is_refused_unparsed(live_site: Site) -> None:
    """Whoever parsed it, Twisted or Django, would find too many fields before the missing key."""
    body = b"a&" * 1_000_000
    lines = ("Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}", "Connection: close")
    with open_connection(live_site) as client:
        client.sendall(build_head(live_site, *lines) + body)
        assert b"HTTP/1.1 401" in read_to_end(client)


SERVER = """
import asyncio
import threading

async def application(scope, receive, send):
    if scope.get("path") == "/threads":
        meeting = threading.Barrier(process.THREADS)
        await asyncio.gather(*(asyncio.to_thread(meeting.wait, 10) for _ in range(process.THREADS)))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"all at once"})
    elif scope["type"] == "http":
        left = int(scope["path"][1:])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while left:
            left -= 1
            await send({"type": "http.response.body", "body": bytes(200_000), "more_body": left > 0})
        print("ended", flush=True)

connection_bounds.READ_TIMEOUT_SEC = 1.0
"""


@pytest.fixture(params=NAMES)
def server(request: pytest.FixtureRequest) -> Iterator[tuple[int, IO[str]]]:
    """A server's port, and what it prints.

    /N answers with N times 200,000 bytes, and waits a second for them to be read.
    """
    with run_bare_server(request.param, SERVER) as running:
        yield running


def test_slow_calls_do_not_wait_for_one_another(server: tuple[int, IO[str]]) -> None:
    """There are as many calls as the server has threads, and each waits for all the others."""
    with closing(socket.create_connection(("127.0.0.1", server[0]), timeout=30)) as client:
        client.sendall(b"GET /threads HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
        assert b"all at once" in read_to_end(client)


def test_an_answer_that_nobody_reads_ends_its_connection(server: tuple[int, IO[str]]) -> None:
    port, printed = server
    with closing(socket.create_connection(("127.0.0.1", port), timeout=30)) as client:
        client.sendall(b"GET /250 HTTP/1.1\r\nHost: here\r\n\r\n")
        assert printed.readline() == "ended\n"
        with pytest.raises(ConnectionResetError):
            read_to_end(client)


def test_an_answer_that_fills_the_buffers_ends_with_its_last_byte(server: tuple[int, IO[str]]) -> None:
    """The client has read all of it and the connection goes on to the next, so nothing is waited for any more."""
    port, printed = server
    with closing(socket.create_connection(("127.0.0.1", port), timeout=30)) as client:
        for _ in range(2):
            client.sendall(b"GET /1 HTTP/1.1\r\nHost: here\r\n\r\n")
            read = b""
            while len(read) < 200_000:
                read += client.recv(65536)
            assert printed.readline() == "ended\n"
