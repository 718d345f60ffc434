"""The site's ASGI servers without the site: with an application of a few lines, in a process of its own."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import IO

from tests.support.live import ROOT
from tests.support.patience import stretch

NAMES = ("uvicorn", "daphne")
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)
BEGIN = """
import sys
from importlib import import_module

from voiceproject.server import connection_bounds, process

server = import_module(f"voiceproject.server.{sys.argv[1]}_server")
"""
END = """
listener = process.bind("127.0.0.1", 0)
port = listener.getsockname()[1]
server.serve(listener, application, lambda: print(port, flush=True))
"""


@contextmanager
def run_bare_server(name: str, program: str) -> Iterator[tuple[int, IO[str]]]:
    """Run a server with a program that defines `application`; its port, and what it prints."""
    command = [sys.executable, "-c", BEGIN + program + END, name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), process.stdout
        finally:
            process.kill()


@contextmanager
def open_connection(port: int) -> Iterator[socket.socket]:
    """Connect to a server, without a library that would keep to the protocol."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=stretch(30))) as client:
        yield client


@contextmanager
def open_websocket(port: int) -> Iterator[socket.socket]:
    """Connect, and have it made a WebSocket."""
    with open_connection(port) as client:
        client.sendall(UPGRADE)
        assert read_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")
        yield client


def read_until(client: socket.socket, end: bytes) -> bytes:
    """Read up to and including these bytes, and not one more."""
    read = b""
    while not read.endswith(end):
        read += (byte := client.recv(1))
        assert byte, read
    return read


def read_to_end(client: socket.socket) -> bytes:
    """Read until the server closes or resets the connection."""
    read = b""
    try:
        while piece := client.recv(65536):
            read += piece
    except ConnectionResetError:
        pass
    return read
