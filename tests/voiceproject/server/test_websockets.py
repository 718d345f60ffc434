"""What both ASGI servers owe a WebSocket, told over real sockets by an application that says what it was told."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import IO

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from tests.support.bare_server import NAMES, run_bare_server
from tests.support.patience import stretch

SERVER = """
async def application(scope, receive, send):
    assert (await receive())["type"] == "websocket.connect"
    if scope["path"] == "/refused":
        return await send({"type": "websocket.close", "code": 403})
    await send({"type": "websocket.accept", "subprotocol": (scope["subprotocols"] or [None])[0]})
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        if text == "fail":
            raise ValueError("broken")
        if text and text.startswith("close "):
            await send({"type": "websocket.close", "code": int(text[6:])})
        else:
            await send({"type": "websocket.send", "text": text, "bytes": message.get("bytes")})
    print("gone", message["code"], flush=True)
    await send({"type": "websocket.send", "text": "nobody hears it"})
"""


@pytest.fixture(scope="module", params=NAMES)
def server(request: pytest.FixtureRequest) -> Iterator[tuple[int, IO[str]]]:
    """The port of a server whose WebSockets answer with what they are told, and what it prints."""
    with run_bare_server(request.param, SERVER) as running:
        yield running


@pytest.fixture
async def opened(server: tuple[int, IO[str]]) -> AsyncIterator[ClientConnection]:
    async with asyncio.timeout(stretch(30)), connect(f"ws://127.0.0.1:{server[0]}/", max_size=None) as opened:
        yield opened


async def read_line(server: tuple[int, IO[str]]) -> str:
    async with asyncio.timeout(stretch(10)):
        return (await asyncio.to_thread(server[1].readline)).rstrip()


async def test_it_works(server: tuple[int, IO[str]], opened: ClientConnection) -> None:
    assert opened.response is not None
    assert "Sec-WebSocket-Extensions" not in opened.response.headers  # nothing is packed: a bomb would be unpacked
    for said in ("hello", b"\x00\xff", "ü" * 60_000, "x" * 17_000_000):
        await opened.send(said)
        assert await opened.recv() == said
    await opened.send(["in ", "three ", "pieces"])
    assert await opened.recv() == "in three pieces"
    await (await opened.ping(b"well?"))
    await opened.close(4001)
    assert await read_line(server) == "gone 4001"


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 1012, 1013, 4000])
async def test_it_is_closed_with_the_very_code(
    server: tuple[int, IO[str]], opened: ClientConnection, code: int
) -> None:
    await opened.send(f"close {code}")
    with pytest.raises(ConnectionClosed):
        await opened.recv()
    assert opened.close_code == code
    assert (await read_line(server)).startswith("gone")


async def test_a_subprotocol_and_a_refusal(server: tuple[int, IO[str]]) -> None:
    url = f"ws://127.0.0.1:{server[0]}"
    async with connect(url, subprotocols=["realtime", "other"]) as opened:  # type: ignore[list-item]
        assert opened.subprotocol == "realtime"
    assert (await read_line(server)).startswith("gone")
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{url}/refused")
    assert refused.value.response.status_code == 403


async def test_a_client_that_vanishes(server: tuple[int, IO[str]], opened: ClientConnection) -> None:
    await opened.send("here")
    await opened.recv()
    opened.transport.abort()
    assert await read_line(server) == "gone 1006"


async def test_bytes_that_come_one_by_one(server: tuple[int, IO[str]], opened: ClientConnection) -> None:
    for byte in Frame(Opcode.TEXT, b"slowly").serialize(mask=True):
        opened.transport.write(bytes([byte]))
        await asyncio.sleep(0)
    assert await opened.recv() == "slowly"
    await opened.close()
    assert await read_line(server) == "gone 1000"


async def test_ten_thousand_frames_at_once_come_in_order(server: tuple[int, IO[str]], opened: ClientConnection) -> None:
    opened.transport.write(b"".join(Frame(Opcode.TEXT, b"%d" % n).serialize(mask=True) for n in range(10_000)))
    assert [await opened.recv() for _ in range(10_000)] == [str(n) for n in range(10_000)]
    await opened.close()
    assert await read_line(server) == "gone 1000"


async def test_a_defect_of_the_application(server: tuple[int, IO[str]]) -> None:
    """It closes the connection and leaves a traceback."""
    opened = await connect(f"ws://127.0.0.1:{server[0]}/")
    await opened.send("fail")
    with pytest.raises(ConnectionClosed):
        await opened.recv()
    lines = [await read_line(server)]
    while not lines[-1].startswith("ValueError"):
        lines.append(await read_line(server))
    assert sum("Traceback" in line for line in lines) == 1
