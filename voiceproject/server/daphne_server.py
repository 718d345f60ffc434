"""Run Daphne in this process."""

import asyncio
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import daphne.http_protocol
import daphne.ws_protocol
from autobahn.websocket.types import ConnectionDeny
from daphne.server import twisted_loop
from django.core.exceptions import ImproperlyConfigured
from twisted.internet import defer

from voiceproject.server import http_channel, process, web_requests
from voiceproject.server.accepting import Acceptor
from voiceproject.server.process import (
    CLOSE_TIMEOUT_SEC,
    GOODBYE_SEC,
    MAX_FRAMES_AHEAD,
    MAX_FRAMES_PER_SEC,
    MAX_MESSAGE_BYTES,
    THREADS,
    log_request,
)
from voiceproject.server.sessions import NoSessions, Sessions
from voiceproject.server.worker_link import WorkerLink

# Taken from a socket at a time. All frames in it are handled before another socket has its turn: of the smallest,
# Twisted would take ten thousand.
READ_BYTES = 8192
NO_CODE = 1005  # RFC 6455, 7.1.5


def serve(
    listener: socket.socket,
    application: Any,
    ready: Callable[[], None],
    sessions: Sessions | None = None,
    link: WorkerLink | None = None,
) -> None:
    """Run until SIGINT or SIGTERM, and then until the sessions have ended. A second signal stops at once.

    `listener` is bound, and may be shared with other processes, which `link` tells of. `ready` is called once the
    server runs. Raise ImproperlyConfigured if the port was lost meanwhile.
    """
    from twisted.internet import reactor  # only now: Daphne has installed the one that it needs

    server = Server(
        application,
        sessions := sessions or NoSessions(),
        endpoints=["none"],  # it listens on what it is given, see Server.start_accepting
        action_logger=log_request,
        signal_handlers=False,
        websocket_max_message_size=MAX_MESSAGE_BYTES,
        websocket_max_frame_size=MAX_MESSAGE_BYTES,
        server_name="",
        application_close_timeout=CLOSE_TIMEOUT_SEC,
    )
    server.endpoints = []
    # Twisted's own handlers come late in its start, and what is raised before them it logs and forgets.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: reactor.callFromThread(server.wind_down))
    # Name look-ups are made there too, for as long as the name servers of strangers like.
    twisted_loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="server"))
    reactor.callLater(0, server.start_accepting, listener, link, ready)  # type: ignore[arg-type]  # zope's has no self
    reactor.callLater(0, sessions.start)  # type: ignore[arg-type]
    process.raise_open_files()
    process.freeze_loaded_objects()
    server.run()
    if server.acceptor is None:
        host, port = listener.getsockname()[:2]
        raise ImproperlyConfigured(f"Cannot listen on HOST {host} and PORT {port}.")


daphne.http_protocol.WebRequest = web_requests.WebRequest
daphne.http_protocol.HTTPFactory.protocol = http_channel.Channel


class WebSocketProtocol(daphne.ws_protocol.WebSocketProtocol):  # type: ignore[misc]  # Daphne has no annotations
    """Daphne's WebSocket, with a limit on the pace of frames."""

    def onConnect(self, request: Any) -> Any:  # noqa: N802  # Autobahn's name
        """Refuse a subprotocol that is not ASCII: Daphne answers one with a traceback in the log."""
        if not all(name.isascii() for name in request.protocols):
            raise ConnectionDeny(400)  # type: ignore[no-untyped-call]
        self.frames, self.opened_at = 0, time.monotonic()
        self.transport.bufferSize = READ_BYTES
        return super().onConnect(request)

    def onFrameBegin(self) -> None:  # noqa: N802  # Autobahn's name
        self.frames += 1
        if self.frames > MAX_FRAMES_AHEAD + MAX_FRAMES_PER_SEC * (time.monotonic() - self.opened_at):
            self.dropConnection(abort=True)
        super().onFrameBegin()

    def serverSend(self, content: str | bytes, binary: bool = False) -> None:  # noqa: N802  # Daphne's name
        """Send a message.

        What is sent to a peer that has just gone is lost without an error: the session learns of it next.
        """
        if self.state == self.STATE_OPEN:
            super().serverSend(content, binary)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:  # noqa: N802, N803  # Autobahn's
        """Tell the application what a close frame without a code means."""
        super().onClose(wasClean, NO_CODE if code is None else code, reason)

    def serverClose(self, code: int | None = None) -> None:  # noqa: N802  # Daphne's name
        """Send a close frame. Autobahn's `sendClose` is made for clients, and refuses 1001, 1008, 1011 and 1013."""
        self.sendCloseFrame(code=1000 if code is None else code)


daphne.ws_protocol.WebSocketFactory.protocol = WebSocketProtocol


class Server(web_requests.Server):
    """Daphne's server, which ends the live sessions before it stops."""

    def __init__(self, application: Any, sessions: Sessions, **options: Any) -> None:
        super().__init__(application, **options)
        self._sessions = sessions
        self._winding_down: asyncio.Task[None] | None = None
        self.acceptor: Acceptor | None = None

    def start_accepting(self, listener: socket.socket, link: WorkerLink | None, ready: Callable[[], None]) -> None:
        """Take connections from now on, or stop if the port was lost."""
        board, number = (link.board, link.number) if link else (None, 0)
        acceptor = Acceptor(listener, self._adopt, self._sessions.measure, board, number)
        try:
            acceptor.start()
        except OSError:
            self.stop()
        else:
            self.acceptor = acceptor
            ready()

    def _adopt(self, connection: socket.socket) -> None:
        from twisted.internet import reactor

        with connection, suppress(OSError):  # it is duplicated; or its client has hung up already
            reactor.adoptStreamConnection(connection.fileno(), connection.family, self.http_factory)

    def wind_down(self) -> None:
        """Accept nobody new, end what is live, then stop. Called a second time, stop at once."""
        if self._winding_down is None:
            self._winding_down = asyncio.get_event_loop().create_task(self._wind_down())
        else:
            self.stop()

    async def _wind_down(self) -> None:
        try:
            if self.acceptor:
                self.acceptor.stop()
            await self._sessions.drain()
            await self._say_goodbye()
        finally:
            self.stop()

    async def _say_goodbye(self) -> None:
        """Wait up to GOODBYE_SEC until the clients have answered the close frame.

        A process that exits with something unread resets its connections, and then no client learns why it was closed.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_SEC):
                while True:
                    if all("disconnected" in self.connections[socket] for socket in self._list_sockets()):
                        return
                    await asyncio.sleep(0.02)

    def _list_sockets(self) -> list[WebSocketProtocol]:
        return [protocol for protocol in self.connections if isinstance(protocol, WebSocketProtocol)]

    def kill_all_applications(self) -> Any:
        """Cancel all applications.

        Daphne forgets that of a socket which outlives it, and then fails here and cancels none.
        """
        finished = asyncio.get_event_loop().create_future()
        finished.set_result(None)
        for connection in self.connections.values():
            connection.setdefault("application_instance", finished)
        hung_up = self.hang_up_requests(finished)
        return defer.gatherResults([super().kill_all_applications(), hung_up])
