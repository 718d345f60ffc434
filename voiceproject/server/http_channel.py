"""Bound a client's HTTP connection: how long it may take to send a request's head, and how many are idle."""

from typing import Any

from django.conf import settings
from twisted.web import http

from voiceproject.server import connection_bounds
from voiceproject.server.connection_bounds import TOO_LATE, idle_connections

_HTTPChannel: Any = http.HTTPChannel  # Twisted's methods have no annotations


class Channel(_HTTPChannel):  # type: ignore[misc]
    """Twisted's HTTP connection, with these bounds."""

    _head_due: Any = None  # the call that closes the connection
    _awaits_head = True

    def connectionMade(self) -> None:  # noqa: N802  # Twisted's name
        super().connectionMade()
        self._expect_head()
        idle_connections.add(self, self._get_address())

    def dataReceived(self, data: bytes) -> None:  # noqa: N802  # Twisted's name
        if self._awaits_head:
            self._expect_head()
        super().dataReceived(data)

    def allHeadersReceived(self) -> None:  # noqa: N802  # Twisted's name
        self._awaits_head = False
        self._forget_head()
        idle_connections.remove(self)
        super().allHeadersReceived()

    def requestDone(self, request: Any) -> None:  # noqa: N802  # Twisted's name
        self._awaits_head = True
        if self._dataBuffer:
            self._expect_head()
        idle_connections.add(self, self._get_address())
        super().requestDone(request)

    def connectionLost(self, reason: Any) -> None:  # noqa: N802  # Twisted's name
        self._forget_head()
        idle_connections.remove(self)
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
            self._head_due = self.callLater(connection_bounds.HEAD_SEC, self.close_late)

    def _forget_head(self) -> None:
        if self._head_due is not None and self._head_due.active():
            self._head_due.cancel()
        self._head_due = None

    def _get_address(self) -> str:
        return "" if settings.TRUSTED_PROXY_COUNT else str(getattr(self.transport.getPeer(), "host", ""))
