"""Frames that no library sends, and clients that do not read, do not answer or do not stop."""

from collections.abc import Iterator
from typing import IO

import pytest
from websockets.frames import Frame, Opcode

from tests.support.bare_server import NAMES, open_websocket, read_to_end, read_until, run_bare_server

SERVER = """
import asyncio

from voiceproject.server import message_reader, websocket_connection

if FRAMES_AHEAD:
    message_reader.MAX_FRAMES_AHEAD = server.MAX_FRAMES_AHEAD = FRAMES_AHEAD
websocket_connection.PING_SEC = PING_SEC

sent = 0

async def flood(send):
    global sent
    for _ in range(2_000):
        await send({"type": "websocket.send", "text": "x" * 10_000})
        sent += 1
    print("flooded", flush=True)

async def application(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        if text == "flood":
            flooding = asyncio.create_task(flood(send))
        elif text == "tell when nothing more goes out":
            before = -1
            while before != sent:
                before = sent
                await asyncio.sleep(0.1)
            print("nothing more goes out", flush=True)
        elif text == "close":
            await send({"type": "websocket.close", "code": 1000})
        elif text == "last words":
            await send({"type": "websocket.send", "text": "x" * 3_000_000})
            await send({"type": "websocket.close", "code": 1000})
        else:
            print("heard", text, flush=True)
            await send({"type": "websocket.send", "text": text})
    print("gone", message["code"], flush=True)
"""
MASK = b"mask"


def build(opcode: Opcode, content: bytes = b"", *, is_last: bool = True) -> bytes:
    return Frame(opcode, content, fin=is_last).serialize(mask=True)


def build_server(ping_sec: float = 20.0, frames_ahead: int = 0) -> str:
    return f"PING_SEC, FRAMES_AHEAD = {ping_sec}, {frames_ahead}" + SERVER


def read_close_code(read: bytes | bytearray) -> int:
    """Return the code of a close frame at the end of what was read, or 0."""
    begin = read.rfind(b"\x88")
    return int.from_bytes(read[begin + 2 : begin + 4], "big") if begin >= 0 else 0


@pytest.fixture(scope="module", params=NAMES)
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, int, IO[str]]]:
    """The name of a server, its port, and what it prints."""
    with run_bare_server(request.param, build_server()) as (port, printed):
        yield request.param, port, printed


@pytest.fixture(scope="module")
def own_server() -> Iterator[tuple[int, IO[str]]]:
    with run_bare_server("uvicorn", build_server()) as running:
        yield running


@pytest.fixture(scope="module")
def pinging_server() -> Iterator[tuple[int, IO[str]]]:
    with run_bare_server("uvicorn", build_server(ping_sec=0.2)) as running:
        yield running


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        pytest.param(build(Opcode.TEXT, b"\xff\xfe"), 1007, id="no UTF-8"),
        pytest.param(
            build(Opcode.TEXT, b"\xc3", is_last=False) + build(Opcode.CONT, b"("), 1007, id="none in two pieces"
        ),
        pytest.param(Frame(Opcode.TEXT, b"unmasked").serialize(mask=False), 1002, id="no mask"),
        pytest.param(b"\xc1\x82maskpk", 1002, id="packed, which was not agreed on"),
        pytest.param(b"\x83\x80mask", 1002, id="an unknown kind"),
        pytest.param(b"\x89\xfe\x00\x7e" + MASK + bytes(126), 1002, id="a long ping"),
        pytest.param(b"\x09\x80mask", 1002, id="a ping in pieces"),
        pytest.param(build(Opcode.CONT, b"of nothing"), 1002, id="the end of nothing"),
        pytest.param(build(Opcode.TEXT, b"a", is_last=False) + build(Opcode.TEXT, b"b"), 1002, id="two at once"),
        pytest.param(b"\x81\xff" + (40_000_000).to_bytes(8, "big") + MASK, 1009, id="40 MB"),
        pytest.param(
            build(Opcode.TEXT, b"a", is_last=False) + b"\x80\xff" + (33_554_432).to_bytes(8, "big") + MASK,
            1009,
            id="too much in two pieces",
        ),
        pytest.param(build(Opcode.CLOSE, b"\x03"), 1002, id="half a close code"),
        pytest.param(build(Opcode.CLOSE, (1005).to_bytes(2, "big")), 1002, id="a close code that nobody may send"),
        pytest.param(build(Opcode.CLOSE, (999).to_bytes(2, "big")), 1002, id="a close code that does not exist"),
        pytest.param(build(Opcode.CLOSE, b"\x03\xe8\xff"), 1007, id="a reason that is no UTF-8"),
    ],
)
def test_what_is_no_websocket(server: tuple[str, int, IO[str]], frames: bytes, code: int) -> None:
    """The client is told so by the close code; Daphne hangs up without a word."""
    name, port, printed = server
    with open_websocket(port) as client:
        client.sendall(frames)
        assert read_close_code(read_to_end(client)) == (code if name == "uvicorn" else 0)
    assert printed.readline().startswith("gone ")


def test_what_is_said_just_before_the_end(server: tuple[str, int, IO[str]]) -> None:
    """It comes in one piece with the close frame, and is heard (Kludex/uvicorn#1230)."""
    _, port, printed = server
    with open_websocket(port) as client:
        client.sendall(build(Opcode.TEXT, b"bye") + build(Opcode.CLOSE, (4001).to_bytes(2, "big") + b"enough"))
        assert read_close_code(read_to_end(client)) in {4001, 1000}
    assert [printed.readline() for _ in range(2)] == ["heard bye\n", "gone 4001\n"]


def test_an_end_without_a_code(server: tuple[str, int, IO[str]]) -> None:
    _, port, printed = server
    with open_websocket(port) as client:
        client.sendall(build(Opcode.CLOSE))
        assert read_to_end(client).startswith(b"\x88")
    assert printed.readline() == "gone 1005\n"


def test_a_ping_amid_a_message(server: tuple[str, int, IO[str]]) -> None:
    _, port, printed = server
    with open_websocket(port) as client:
        client.sendall(build(Opcode.TEXT, b"he", is_last=False) + build(Opcode.CONT, is_last=False))
        client.sendall(build(Opcode.PING, b"well?"))
        assert client.recv(100) == b"\x8a\x05well?"
        client.sendall(build(Opcode.CONT, b"re"))
        assert read_until(client, b"here") == b"\x81\x04here"
    assert [printed.readline() for _ in range(2)] == ["heard here\n", "gone 1006\n"]


def test_last_words_reach_a_slow_reader(own_server: tuple[int, IO[str]]) -> None:
    """The server waits for the answer to its close frame: what is unread would be lost (Kludex/uvicorn#3047)."""
    port, printed = own_server
    with open_websocket(port) as client:
        client.sendall(build(Opcode.TEXT, b"last words"))
        read = bytearray()
        while len(read) < 3_000_000 + 10 + 4:
            read += client.recv(4096)
        assert read_close_code(read[-4:]) == 1000
        client.sendall(build(Opcode.CLOSE, (1000).to_bytes(2, "big")))
        assert read_to_end(client) == b""
    assert printed.readline() == "gone 1000\n"


def test_a_client_that_does_not_read(own_server: tuple[int, IO[str]]) -> None:
    """The application waits for it, and 20 MB do not pile up; it goes on when the client is gone."""
    port, printed = own_server
    with open_websocket(port) as client:
        client.sendall(build(Opcode.TEXT, b"flood") + build(Opcode.TEXT, b"behind it"))
        assert printed.readline() == "heard behind it\n"
        client.recv(1000)
    assert {printed.readline() for _ in range(2)} == {"flooded\n", "gone 1006\n"}


@pytest.mark.parametrize("who", ["server", "client"])
def test_nobody_waits_for_a_client_that_does_not_read_behind_a_close_frame(
    own_server: tuple[int, IO[str]], who: str
) -> None:
    """Whoever sends that: nothing may follow it, so that the application goes on before the connection is cut."""
    close = build(Opcode.CLOSE, (1000).to_bytes(2, "big"))
    port, printed = own_server
    with open_websocket(port) as client:
        client.sendall(build(Opcode.TEXT, b"flood") + build(Opcode.TEXT, b"tell when nothing more goes out"))
        assert printed.readline() == "nothing more goes out\n"
        client.sendall(build(Opcode.PING) + (build(Opcode.TEXT, b"close") if who == "server" else close))
        assert printed.readline() == "flooded\n"
        read = b""
        while read_close_code(read) != 1000:
            read = read[-3:] + (piece := client.recv(50_000))
            assert piece
        if who == "server":
            client.sendall(close)
        assert (read + read_to_end(client)).endswith(b"\x88\x02\x03\xe8")
    assert printed.readline() == "gone 1000\n"


def test_pings_without_end_of_a_client_that_does_not_read(own_server: tuple[int, IO[str]]) -> None:
    """Of the answers only the newest is kept for it."""
    port, printed = own_server
    pings = [build(Opcode.PING, b"%0125d" % number) for number in range(20_000)]
    with open_websocket(port) as client:
        client.sendall(build(Opcode.TEXT, b"flood") + b"".join(pings) + build(Opcode.TEXT, b"behind them"))
        assert printed.readline() == "heard behind them\n"
        read = bytearray()
        while b"behind them" not in read[-100_000:]:
            read += client.recv(50_000)
        assert b"%0125d" % 19_999 in read
        assert read.count(b"\x8a\x7d") < 1_000
    assert {printed.readline() for _ in range(2)} == {"flooded\n", "gone 1006\n"}


def test_a_client_that_falls_silent(pinging_server: tuple[int, IO[str]]) -> None:
    """Two pings are sent and not answered, then it counts as gone."""
    port, printed = pinging_server
    with open_websocket(port) as client:
        assert read_to_end(client) == b"\x89\x00" * 2
    assert printed.readline() == "gone 1006\n"


def test_a_client_that_only_answers_pings(pinging_server: tuple[int, IO[str]]) -> None:
    port, printed = pinging_server
    with open_websocket(port) as client:
        for _ in range(4):
            assert client.recv(2) == b"\x89\x00"
            client.sendall(build(Opcode.PONG))
        client.sendall(build(Opcode.TEXT, b"here"))
        assert read_until(client, b"here")
    assert [printed.readline() for _ in range(2)] == ["heard here\n", "gone 1006\n"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "frame", [build(Opcode.PONG), build(Opcode.CONT, is_last=False)], ids=["pongs", "pieces of a message"]
)
def test_frames_without_end(name: str, frame: bytes) -> None:
    """More than anybody has reason to send cost the connection, whatever they are."""
    with run_bare_server(name, build_server(frames_ahead=1_000)) as (port, printed), open_websocket(port) as client:
        client.sendall(build(Opcode.TEXT, is_last=False) + frame * 4_000)
        assert read_to_end(client) == b""
        assert printed.readline() == "gone 1006\n"
