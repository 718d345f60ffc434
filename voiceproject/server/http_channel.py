"""Bound a client's HTTP connection: how long it may take to send a request's head, and how many are idle."""

from collections import Counter, OrderedDict
from typing import Any

from django.conf import settings
from twisted.web import http

HEAD_SEC = 15.0  # from the first byte of a request's head, or the connection's begin, to its last
IDLE_EACH = 100  # connections of one address without a request; behind a proxy all are the proxy's, and are not counted
IDLE_ALL = 500  # below what a process may mostly have open, 1,024
TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


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


_idle = Idle()
_HTTPChannel: Any = http.HTTPChannel  # Twisted's methods have no annotations


class Channel(_HTTPChannel):  # type: ignore[misc]
    """Twisted's HTTP connection, with these bounds."""

    _head_due: Any = None  # the call that closes the connection
    _awaits_head = True

    def connectionMade(self) -> None:  # noqa: N802  # Twisted's name
        super().connectionMade()
        self._expect_head()
        _idle.add(self, self._get_address())

    def dataReceived(self, data: bytes) -> None:  # noqa: N802  # Twisted's name
        if self._awaits_head:
            self._expect_head()
        super().dataReceived(data)

    def allHeadersReceived(self) -> None:  # noqa: N802  # Twisted's name
        self._awaits_head = False
        self._forget_head()
        _idle.remove(self)
        super().allHeadersReceived()

    def requestDone(self, request: Any) -> None:  # noqa: N802  # Twisted's name
        self._awaits_head = True
        if self._dataBuffer:
            self._expect_head()
        _idle.add(self, self._get_address())
        super().requestDone(request)

    def connectionLost(self, reason: Any) -> None:  # noqa: N802  # Twisted's name
        self._forget_head()
        _idle.remove(self)
        super().connectionLost(reason)

    def close_late(self) -> None:
        """Tell the client that it took too long, and close the connection."""
        self._forget_head()
        self.transport.write(TOO_LATE)
        self.timeoutConnection()

    def close_idle(self) -> None:
        """Close the connection at once."""
        self.transport.abortConnection()

    def _expect_head(self) -> None:
        if self._head_due is None:
            self._head_due = self.callLater(HEAD_SEC, self.close_late)

    def _forget_head(self) -> None:
        if self._head_due is not None and self._head_due.active():
            self._head_due.cancel()
        self._head_due = None

    def _get_address(self) -> str:
        return "" if settings.TRUSTED_PROXY_COUNT else str(getattr(self.transport.getPeer(), "host", ""))
