"""Bodies: large ones only where a file is wanted, and from whom; and nothing that comes without an end in sight."""

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from accounts.keys import api_keys
from accounts.models import Scope, User
from tests.support.bare_server import NAMES, run_bare_server
from tests.support.live import Site
from voiceproject.http.bodies import GRACE_SEC, MIN_BYTES_PER_SEC, HeldBodies, is_too_slow
from voiceproject.server.connection_bounds import IDLE_EACH, Idle

TURNS = "/v1/voice/turns"
FILE = 20_000_000


@contextmanager
def open_post(site: Site, path: str, *lines: str) -> Iterator[socket.socket]:
    """Open a connection, and send the head of a POST over it."""
    address = urlsplit(site.url)
    with closing(socket.create_connection((address.hostname, address.port), timeout=30)) as client:
        client.sendall("\r\n".join((f"POST {path} HTTP/1.1", f"Host: {address.netloc}", *lines, "", "")).encode())
        yield client


def read_answer(client: socket.socket) -> tuple[int, str]:
    """Return the status and the body of an answer that comes before any byte of the request's body was sent."""
    read = b""
    while not (whole := re.fullmatch(rb"HTTP/1.1 (\d+) .*content-length: (\d+).*?\r\n\r\n(.*)", read, re.S | re.I)) or (
        len(whole[3]) < int(whole[2])
    ):
        read += client.recv(65536)
    return int(whole[1]), whole[3].decode()


def read_code(client: socket.socket) -> tuple[int, str]:
    status, body = read_answer(client)
    return status, json.loads(body)["error"]["code"]


def build_authorization(*scopes: str) -> str:
    user = User.objects.create_user(f"{uuid4().hex}@example.com")
    _, key = api_keys.create(user, "tests", scopes or Scope.values)
    return f"Authorization: Bearer {key}"


@pytest.mark.parametrize(
    "path", ["/", "/accounts/login/", "/admin/login/", "/v1/conversations", "/static/css/site.css"]
)
def test_where_no_file_is_wanted(live_site: Site, path: str) -> None:
    with open_post(live_site, path, "Content-Length: 2700000") as client:
        status, body = read_answer(client)
    assert status == 413
    assert "2621440 bytes" in body
    assert body.startswith("{") is path.startswith("/v1/")


@pytest.mark.parametrize(
    ("header", "refusal"),
    [
        ("X-No: key", (401, "invalid_api_key")),
        ("Authorization: Bearer vp_x", (401, "invalid_api_key")),
        ("Authorization: Basic eA==", (401, "invalid_api_key")),
    ],
)
def test_a_file_from_strangers(live_site: Site, committed_db: None, header: str, refusal: tuple[int, str]) -> None:
    with open_post(live_site, TURNS, header, f"Content-Length: {FILE}") as client:
        assert read_code(client) == refusal


def test_a_file_with_a_key_that_may_not_talk(live_site: Site, committed_db: None) -> None:
    with open_post(
        live_site, TURNS, build_authorization(Scope.CONVERSATIONS_READ), f"Content-Length: {FILE}"
    ) as client:
        assert read_code(client) == (403, "missing_scope")


def test_a_stranger_is_not_told_to_continue(live_site: Site) -> None:
    with open_post(live_site, TURNS, f"Content-Length: {FILE}", "Expect: 100-continue") as client:
        assert read_code(client)[0] == 401


def test_a_stranger_whose_file_has_no_length(live_site: Site) -> None:
    """As much is taken as of any body, and then a key is asked for."""
    with open_post(live_site, TURNS, "Transfer-Encoding: chunked") as client:
        client.sendall(b"300000\r\n" + bytes(0x300000) + b"\r\n")
        assert read_code(client)[0] == 401


def test_a_file_from_who_may(live_site: Site, committed_db: None) -> None:
    """The client is told to continue where it waits for that, and only the whole file is found to be no sound."""
    with open_post(
        live_site, TURNS, build_authorization(), "Content-Length: 3000000", "Expect: 100-continue"
    ) as client:
        assert client.recv(1000).startswith(b"HTTP/1.1 100 ")
        client.sendall(bytes(3_000_000))
        assert read_code(client) == (415, "unsupported_format")
    with open_post(live_site, TURNS, build_authorization(), "Transfer-Encoding: chunked") as client:
        client.sendall(b"300000\r\n" + bytes(0x300000) + b"\r\n0\r\n\r\n")
        assert read_code(client) == (415, "unsupported_format")


def test_a_body_has_to_come_at_a_pace() -> None:
    assert not is_too_slow(0, GRACE_SEC)
    assert is_too_slow(0, GRACE_SEC + 1)
    assert not is_too_slow(10 * MIN_BYTES_PER_SEC, GRACE_SEC + 10)
    assert is_too_slow(10 * MIN_BYTES_PER_SEC - 1, GRACE_SEC + 10)


def test_bodies_that_are_not_answered_yet() -> None:
    held = HeldBodies(most=100, each=60)
    assert held.take("ann", 60)
    assert not held.take("ann", 1)
    assert held.take("bob", 39)
    assert not held.take("eve", 1)
    held.give("ann", 61)
    assert held.take("eve", 59)


class Connection:
    closed = False

    def close_idle(self) -> None:
        self.closed = True


def test_connections_without_a_request() -> None:
    idle = Idle(each=2, most=3)
    one, two, three, four, five = connections = [Connection() for _ in range(5)]
    for connection in (one, two, three):
        idle.add(connection, "ann")
    assert one.closed  # the oldest of its address
    idle.add(four, "bob")
    idle.add(five, "eve")
    assert two.closed  # the oldest of all
    idle.remove(three)
    idle.add(three, "")
    assert [connection.closed for connection in connections] == [True, True, False, False, False]


SERVER = """
from voiceproject.http import bodies

async def application(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"fine"})

connection_bounds.HEAD_SEC = HEAD
bodies.GRACE_SEC = 0.5
"""


@pytest.fixture(scope="module", params=NAMES)
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a server that waits only a short time for the head of a request."""
    with run_bare_server(request.param, SERVER.replace("HEAD_SEC = HEAD", "HEAD_SEC = 1.0")) as (port, _):
        yield port


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: here\r\nX-Slow: ",
        b"GET / HTTP/1.1\r\nHost: here\r\n\r\nGET / HTTP/1.1\r\nHost",
        b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhello",
    ],
)
def test_a_request_that_trickles(port: int, sent: bytes) -> None:
    """The connection is closed, however regularly another byte comes."""
    begun_at = time.monotonic()
    with closing(socket.create_connection(("127.0.0.1", port), timeout=0.2)) as client:
        client.sendall(sent)
        told = b""
        while b" 408 " not in told:
            assert time.monotonic() - begun_at < 10
            with suppress(TimeoutError):
                told += client.recv(1000)
            if b" 408 " not in told:
                client.sendall(b"x")


@pytest.mark.parametrize("name", NAMES)
def test_open_connections_that_ask_for_nothing(name: str) -> None:
    with ExitStack() as stack:
        port, _ = stack.enter_context(run_bare_server(name, SERVER.replace("HEAD_SEC = HEAD", "HEAD_SEC = 30.0")))
        first, *_ = [
            stack.enter_context(closing(socket.create_connection(("127.0.0.1", port), timeout=10)))
            for _ in range(IDLE_EACH + 1)
        ]
        with pytest.raises(ConnectionResetError):
            first.recv(1000)
