"""A client's HTTP connection: uvicorn's, with bounds on its time, and the beginning of a WebSocket."""

import asyncio
from typing import Any

import h11
from django.conf import settings
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from voiceproject.server import connection_bounds
from voiceproject.server.connection_bounds import TOO_LATE, cut, idle_connections
from voiceproject.server.http_exchange import Exchange
from voiceproject.server.http_parser import HTTPParser
from voiceproject.server.process import CLOSE_TIMEOUT_SEC, log_request
from voiceproject.server.websocket_connection import WebSocketConnection


class HTTPConnection(H11Protocol):
    """A connection; `open_sockets` is where it puts a WebSocket that begins on it."""

    def __init__(self, config: Config, state: ServerState, open_sockets: set[WebSocketConnection]) -> None:
        super().__init__(config, state, app_state={})
        self._application, self.app = self.app, self._serve
        self.conn = HTTPParser()
        self._open_sockets = open_sockets
        self._serving: set[asyncio.Task[Any] | None] = set()
        self._awaits_head = True
        self._head_due: asyncio.TimerHandle | None = None
        self._cut_due: asyncio.TimerHandle | None = None

    # How long a client may take to send a request's head, and how many are idle.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's narrower type
        super().connection_made(transport)
        self._expect_head()
        idle_connections.add(self, self._get_address())

    def data_received(self, data: bytes) -> None:
        if self._awaits_head:
            self._expect_head()
        super().data_received(data)

    def on_response_complete(self) -> None:
        self._awaits_head = True
        if self.transport.is_closing():
            self._close()
        else:
            idle_connections.add(self, self._get_address())
            if self.conn.trailing_data[0]:
                self._expect_head()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_head()
        if self._cut_due is not None:
            self._cut_due.cancel()
        self._unset_keepalive_if_required()  # uvicorn does not if the connection was reset
        super().connection_lost(exc)
        for task in filter(None, self._serving):
            self.loop.call_later(CLOSE_TIMEOUT_SEC, task.cancel)  # nothing to one that has ended

    def eof_received(self) -> None:
        self._close()

    def timeout_keep_alive_handler(self) -> None:
        self._close()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP. Amid an answer there is no other way than to cut it, which uvicorn would not do."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            super().send_400_response(msg)
            self._close()
        else:
            cut(self.transport)

    def close_idle(self) -> None:
        """Close the connection at once."""
        cut(self.transport)

    def _expect_head(self) -> None:
        if self._head_due is None:
            self._head_due = self.loop.call_later(connection_bounds.HEAD_SEC, self._close_late)

    def _forget_head(self) -> None:
        idle_connections.remove(self)
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None

    def _close_late(self) -> None:
        self.transport.write(TOO_LATE)
        self._close()

    def _get_address(self) -> str:
        return "" if settings.TRUSTED_PROXY_COUNT or not self.client else self.client[0]

    # A request.

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        """Be the application that uvicorn calls, for each request."""
        self._awaits_head = False
        self._forget_head()
        task, cycle = asyncio.current_task(), self.cycle
        self._serving.add(task)
        try:
            await Exchange(scope, receive, send, self.close_idle, self._close).run(self._application)
            await self._await_reader()
        except asyncio.CancelledError:
            cut(self.transport)
        finally:
            self._serving.discard(task)
            # An answer that was cut is no mistake of the application, as uvicorn would think.
            cycle.disconnected = cycle.disconnected or self.transport.is_closing()

    async def _await_reader(self) -> None:
        """Wait until the client has read nearly all. Cut the connection after READ_TIMEOUT_SEC."""
        try:
            async with asyncio.timeout(connection_bounds.READ_TIMEOUT_SEC):
                await self.flow.drain()
        except TimeoutError:
            cut(self.transport)

    def _close(self) -> None:
        """Close the connection when what was written has left, or in a while."""
        self.transport.close()
        if self._cut_due is None:
            self._cut_due = self.loop.call_later(connection_bounds.READ_TIMEOUT_SEC, cut, self.transport)

    # A WebSocket.

    def _should_upgrade_to_ws(self) -> bool:
        return True

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Leave the connection to a WebSocket, if the request for one is in order."""
        self._forget_head()
        headers = Headers([(name.decode("latin1"), value.decode("latin1")) for name, value in self.headers])
        offered = headers.get_all("Sec-WebSocket-Protocol")
        request = Request(event.target.decode("ascii"), headers, event.method.decode("ascii"))
        response = ServerProtocol().accept(request)
        has_body = headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in headers
        if response.status_code != 101 or has_body or not all(value.isascii() for value in offered):
            self._refuse_upgrade(response)
            return
        self.connections.discard(self)
        names = [name.strip() for value in offered for name in value.split(",")]
        scope = {**self.scope, "type": "websocket", "scheme": "ws", "subprotocols": [name for name in names if name]}
        socket = WebSocketConnection(
            self._application, scope, response, self.transport, self._open_sockets, self._report_socket
        )
        self.transport.set_protocol(socket)
        if self.flow.write_paused:  # by what is left of an answer before
            self.flow.resume_writing()
            socket.pause_writing()
        if early := self.conn.trailing_data[0]:
            socket.data_received(early)

    def _refuse_upgrade(self, response: Response) -> None:
        if response.status_code == 101:
            self.send_400_response("The request for a WebSocket has a body, or a subprotocol that is not ASCII.")
            return
        self.transport.write(response.serialize())
        self._close()

    def _report_socket(self, action: str) -> None:
        client = "{}:{}".format(*self.client) if self.client else None
        log_request("websocket", action, {"path": self.scope["raw_path"].decode("latin1"), "client": client})
