"""Bodies without an end, answers that nobody reads, and answers that break."""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.live import Site
from voiceproject import web_requests


@contextmanager
def connected(site: Site) -> Iterator[socket.socket]:
    with closing(
        socket.create_connection((urlsplit(site.url).hostname, urlsplit(site.url).port), timeout=30)
    ) as opened:
        yield opened


def head_of(site: Site, *lines: str) -> bytes:
    return "\r\n".join(("POST /v1/voice/turns HTTP/1.1", f"Host: {urlsplit(site.url).netloc}", *lines, "", "")).encode()


def read_to_end(connection: socket.socket) -> bytes:
    read = b""
    while piece := connection.recv(65536):
        read += piece
    return read


def refused(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.startswith(b"HTTP/1.1 413 ") and json.loads(body)["error"]["code"] == "request_too_large"


def test_a_client_that_asks_first_need_not_send(live_site: Site) -> None:
    with connected(live_site) as client:
        client.sendall(head_of(live_site, "Content-Length: 1000000000", "Expect: 100-continue"))
        answer = client.recv(65536)
        assert refused(answer)
        assert b"100 Continue" not in answer


def test_a_body_without_an_end(live_site: Site) -> None:
    """It is told once, and cut off in the end, whatever it goes on to send."""
    megabyte = b"100000\r\n" + bytes(0x100000) + b"\r\n"
    with connected(live_site) as client:
        client.sendall(head_of(live_site, "Transfer-Encoding: chunked"))
        with pytest.raises(ConnectionError):
            client.sendall(megabyte * 100)
    assert "Traceback" not in live_site.log


def test_a_body_that_is_only_too_large_is_answered(live_site: Site) -> None:
    with connected(live_site) as client:
        client.sendall(head_of(live_site, "Content-Length: 30000000"))
        client.sendall(bytes(30_000_000))
        assert refused(read_to_end(client))


def test_forms_are_not_parsed_on_the_event_loop(live_site: Site) -> None:
    """A million fields: Django refuses them unread, and so does Twisted."""
    body = b"a&" * 1_000_000
    lines = ("Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}", "Connection: close")
    with connected(live_site) as client:
        client.sendall(head_of(live_site, *lines) + body)
        assert b"HTTP/1.1 401" in read_to_end(client)


class Channel:
    """Stands where Twisted's connection does."""

    aborted = False

    def abortConnection(self) -> None:  # noqa: N802  # Twisted's name
        self.aborted = True


def request() -> Any:
    made = web_requests.WebRequest.__new__(web_requests.WebRequest)
    made.has_room, made.channel = asyncio.Event(), Channel()
    return made


async def test_an_answer_waits_for_its_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    one = request()
    one.pauseProducing()
    waiting = asyncio.create_task(one.room())
    one.resumeProducing()
    await waiting
    assert not one.channel.aborted
    monkeypatch.setattr(web_requests, "READ_TIMEOUT_SEC", 0.01)
    one.pauseProducing()
    await one.room()
    assert one.channel.aborted
