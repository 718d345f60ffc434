"""Requests that no browser sends: each is refused or understood in one way, none fills the log, and all end in time."""

import asyncio
import gc
import select
import socket
import struct
import weakref
from collections.abc import Iterator
from typing import IO, Any

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode

from tests.support.bare_server import NAMES, UPGRADE, open_connection, read_to_end, read_until, run_bare_server
from tests.support.patience import stretch
from tests.support.polling import poll
from voiceproject.server.http_connection import HTTPConnection
from voiceproject.server.process import THREADS

SERVER = """
import asyncio, os

from voiceproject.server import websocket_connection

connection_bounds.READ_TIMEOUT_SEC, server.IDLE_SEC = 2.0, 1.0
websocket_connection.PING_SEC = 0.5

async def echo(scope, receive, send):
    await receive()
    if scope["path"] == "/refused":
        return await send({"type": "websocket.close"})
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})

async def application(scope, receive, send):
    if scope["type"] == "websocket":
        return await echo(scope, receive, send)
    print("asked", flush=True)
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body")
    if scope["path"] == "/threads":
        await asyncio.get_running_loop().getaddrinfo("localhost", 80)
        body = str(len(os.listdir("/proc/self/task"))).encode()
    elif scope["path"] == "/large":
        body = bytes(20_000_000)  # more than the kernels hold
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
"""
GET = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
LAST_GET = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
HELLO = Frame(Opcode.TEXT, b"hello").serialize(mask=True)


def build_post(*headers: str, body: bytes = b"") -> bytes:
    return "\r\n".join(("POST / HTTP/1.1", "Host: here", *headers, "", "")).encode("latin1") + body


def ask(port: int, sent: bytes) -> bytes:
    with open_connection(port) as client:
        client.sendall(sent)
        return read_to_end(client)


@pytest.fixture(scope="module", params=NAMES)
def server(request: pytest.FixtureRequest) -> Iterator[tuple[int, IO[str]]]:
    """A server that answers with the body it was sent, and prints when it was asked."""
    with run_bare_server(request.param, SERVER) as running:
        yield running


@pytest.fixture(scope="module")
def own_server() -> Iterator[tuple[int, IO[str]]]:
    with run_bare_server("uvicorn", SERVER) as running:
        yield running


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\r\n\r\n", id="TLS"),
        pytest.param(b"GET /\xff HTTP/1.1\r\nHost: here\r\n\r\n", id="a path of other bytes"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: here\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", id="a long header"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: here\r\n" + b"X:\r\n" * 600 + b"\r\n", id="many headers"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: here\r\nno colon\r\n\r\n", id="no header"),
        pytest.param(build_post("Content-Length: 5", "Content-Length: 6", body=b"hello!"), id="two lengths"),
        pytest.param(build_post("Content-Length: 5, 6", body=b"hello!"), id="two lengths in one"),
        pytest.param(build_post("Content-Length: -1"), id="less than nothing"),
        pytest.param(build_post("Content-Length: +5", body=b"hello"), id="a length with a sign"),
        pytest.param(build_post("Content-Length : 5", body=b"hello"), id="a space before the colon"),
        pytest.param(
            build_post("Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), id="length and chunks"
        ),
        pytest.param(build_post("Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), id="an encoding"),
        pytest.param(build_post("Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"), id="nearly chunked"),
        pytest.param(build_post("Transfer-Encoding: chunked", body=b"-1\r\n\r\n"), id="a chunk below nothing"),
        pytest.param(build_post("Transfer-Encoding: chunked", body=b"0x5\r\nhello\r\n0\r\n\r\n"), id="0x5"),
        pytest.param(build_post("Transfer-Encoding: chunked", body=b"2\r\nhello\r\n"), id="a chunk that is longer"),
    ],
)
def test_what_is_refused(server: tuple[int, IO[str]], sent: bytes) -> None:
    """It does not reach the application, nothing is logged, and the connection ends, so that nothing follows on it."""
    port, printed = server
    answer = ask(port, sent + GET)
    assert answer == b"" or answer[:12] in {b"HTTP/1.1 400", b"HTTP/1.1 431", b"HTTP/1.1 501"}
    assert answer.count(b"HTTP/1.1") <= 1
    assert ask(port, LAST_GET).startswith(b"HTTP/1.1 200")
    assert printed.readline() == "asked\n"


def test_what_is_odd_and_right(server: tuple[int, IO[str]]) -> None:
    port, printed = server
    chunks = b"5;name=value\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n"
    assert ask(port, build_post("Transfer-Encoding: chunked", "Connection: close", body=chunks)).endswith(b"hello")
    assert printed.readline() == "asked\n"


def test_a_client_that_waits_to_be_told_to_continue(server: tuple[int, IO[str]]) -> None:
    port, printed = server
    with open_connection(port) as client:
        client.sendall(build_post("Content-Length: 5", "Expect: 100-continue", "Connection: close"))
        assert read_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        client.sendall(b"hello")
        assert read_to_end(client).endswith(b"hello")
    assert printed.readline() == "asked\n"


def test_many_requests_at_once(server: tuple[int, IO[str]]) -> None:
    """They are answered in order, and none that follows one that was to be the last (Kludex/uvicorn#2238)."""
    port, printed = server
    posts = [build_post("Content-Length: 3", body=b"%03d" % number) for number in range(50)]
    answers = ask(port, b"".join(posts) + LAST_GET + GET).split(b"HTTP/1.1 200 ")[1:]
    assert [answer[-3:] for answer in answers[:-1]] == [b"%03d" % number for number in range(50)]
    assert len(answers) == 51
    assert [printed.readline() for _ in range(51)] == ["asked\n"] * 51


def test_a_websocket_behind_requests(own_server: tuple[int, IO[str]]) -> None:
    """It is read on (aio-libs/aiohttp#13432), and no time limit of theirs ends it (Kludex/uvicorn#3107)."""
    port, printed = own_server
    with open_connection(port) as client:
        client.sendall(GET * 32 + UPGRADE + HELLO)
        assert read_until(client, b"\x81\x05hello").count(b"HTTP/1.1 200") == 32
        for _ in range(4):  # for longer than a connection may be idle
            assert client.recv(2) == b"\x89\x00"
            client.sendall(HELLO)
            assert read_until(client, b"\x81\x05hello")
    assert [printed.readline() for _ in range(32)] == ["asked\n"] * 32


def test_a_websocket_behind_an_answer_that_is_read_late(own_server: tuple[int, IO[str]]) -> None:
    port, printed = own_server
    with open_connection(port) as client:
        client.sendall(GET.replace(b"/", b"/large", 1) + UPGRADE + HELLO)
        read = bytearray()
        while not read.endswith(b"\x81\x05hello"):
            read += client.recv(1_000_000)
        for _ in range(5):  # for longer than an answer may be unread
            assert client.recv(2) == b"\x89\x00"
            client.sendall(HELLO)
            assert read_until(client, b"\x81\x05hello")
    assert printed.readline() == "asked\n"


@pytest.mark.parametrize("header", ["Content-Length: 5", "Transfer-Encoding: chunked"])
def test_a_websocket_with_a_body(own_server: tuple[int, IO[str]], header: str) -> None:
    """A proxy would see a request where we saw frames."""
    sent = UPGRADE.replace(b"Host: here", b"Host: here\r\n" + header.encode())
    assert ask(own_server[0], sent + b"hello").startswith(b"HTTP/1.1 400")


def test_chunks_of_one_byte(own_server: tuple[int, IO[str]]) -> None:
    """They take a thousand times what they carry to read."""
    port, _ = own_server
    with open_connection(port) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1_000_000)
        client.sendall(build_post("Transfer-Encoding: chunked", body=b"1\r\nx\r\n" * 40_000))
        assert client.recv(12) == b"HTTP/1.1 400"


def await_reset(client: socket.socket) -> None:
    """Wait until the server has reset the connection, of which nothing is read."""
    watch = select.poll()
    watch.register(client, 0)
    assert watch.poll(stretch(10) * 1000)


def test_half_a_connection_whose_answer_nobody_reads(own_server: tuple[int, IO[str]]) -> None:
    port, printed = own_server
    with open_connection(port) as client:
        client.sendall(GET.replace(b"/", b"/large", 1))
        assert printed.readline() == "asked\n"
        client.shutdown(socket.SHUT_WR)
        await_reset(client)


def test_a_refused_websocket_behind_an_answer_that_nobody_reads(own_server: tuple[int, IO[str]]) -> None:
    port, printed = own_server
    with open_connection(port) as client:
        client.sendall(GET.replace(b"/", b"/large", 1) + UPGRADE.replace(b"/", b"/refused", 1))
        assert printed.readline() == "asked\n"
        await_reset(client)


async def test_a_connection_that_was_reset_leaves_nothing_behind() -> None:
    """It waited for the next request, for which uvicorn would keep it in memory."""

    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    def build() -> HTTPConnection:
        made.append(weakref.ref(connection := HTTPConnection(config, state, set())))
        return connection

    async def is_lost() -> bool:
        return not state.connections

    made: list[weakref.ref[HTTPConnection]] = []
    config, state = Config(application, lifespan="off", log_config=None, timeout_keep_alive=3_600), ServerState()
    async with await asyncio.get_running_loop().create_server(build, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(GET)
        await reader.readuntil(b"\r\n\r\n")
        linger = struct.pack("ii", 1, 0)  # closing it resets it
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()
        await poll(is_lost)
        gc.collect()
        assert [one() for one in made] == [None]


def test_slow_name_look_ups_do_not_wait_for_one_another(own_server: tuple[int, IO[str]]) -> None:
    """As many run at once as there are other threads: libuv, which makes them, gives half of its own to them."""
    sent = LAST_GET.replace(b"/", b"/threads", 1)
    assert int(ask(own_server[0], sent).rpartition(b"\r\n")[2]) >= 2 * THREADS
    assert own_server[1].readline() == "asked\n"
