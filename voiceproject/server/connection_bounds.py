"""The bounds of HTTP connections, whichever ASGI server runs: how slow a client may be, and how many are idle."""

import asyncio
import socket
import struct
from collections import Counter, OrderedDict
from contextlib import suppress
from typing import Any

from voiceproject.http.bodies import HeldBodies

HEAD_BYTES, HEAD_LINES = 16_384, 500
HEAD_SEC = 15.0  # from the first byte of a request's head, or the connection's begin, to its last
IDLE_SEC = 60  # for the next request
IDLE_EACH = 100  # connections of one address without a request; behind a proxy all are the proxy's, and are not counted
IDLE_ALL = 500  # below what a process may mostly have open, 1,024
TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
# What is read and dropped of a body that is refused, so that its client can read why.
LINGER_BYTES = 50_000_000
# For a client to read what was sent, some 64 KB and what the kernels hold, before it counts as gone.
READ_TIMEOUT_SEC = 120.0
CUT = "voiceproject.cut"
"""In the scope's extensions: ends the connection amid the answer, so that the client sees that it is not whole."""
held_bodies = HeldBodies()


class Idle:
    """The connections without a request. One too many closes the oldest, of its address or of all."""

    def __init__(self, each: int = IDLE_EACH, most: int = IDLE_ALL) -> None:
        self._each, self._most = each, most
        self._addresses: OrderedDict[Any, str] = OrderedDict()
        self._counts: Counter[str] = Counter()

    def add(self, connection: Any, address: str) -> None:
        """Count a connection as idle, and close the oldest if there are too many."""
        self.remove(connection)
        self._addresses[connection] = address
        self._counts[address] += 1
        if address and self._counts[address] > self._each:
            self._close(next(one for one, its in self._addresses.items() if its == address))
        elif len(self._addresses) > self._most:
            self._close(next(iter(self._addresses)))

    def remove(self, connection: Any) -> None:
        """Stop counting a connection."""
        if (address := self._addresses.pop(connection, None)) is not None:
            self._counts[address] -= 1
            if not self._counts[address]:
                del self._counts[address]

    def _close(self, connection: Any) -> None:
        self.remove(connection)
        connection.close_idle()


idle_connections = Idle()


def cut(transport: asyncio.Transport) -> None:
    """Reset a connection: what its client has not read is dropped by the kernel too, which would keep it for long."""
    connection = transport.get_extra_info("socket")
    with suppress(OSError, ValueError):  # it is closed already
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
