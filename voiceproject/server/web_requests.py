"""Daphne's HTTP requests, with bounds where it has none, and with a way to cut a response short."""

import asyncio
import time
from http import HTTPStatus
from typing import Any

import daphne.http_protocol
import daphne.server
from twisted.internet import defer

from accounts.security import client_addresses
from voiceproject.http import bodies
from voiceproject.http.refusals import BUSY, Refusal
from voiceproject.server import connection_bounds
from voiceproject.server.connection_bounds import CUT, LINGER_BYTES, held_bodies


class WebRequest(daphne.http_protocol.WebRequest):  # type: ignore[misc]  # Daphne has no annotations
    """A request whose body is bounded and whose response waits for the client to read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Twisted would parse forms, of any size and on the event loop, for nobody: Django does it again.
        super().__init__(*args, parsePOSTFormSubmission=False, **kwargs)
        self.address = self.asked_path = ""
        self.begun_at = 0.0  # when the head was whole; 0: the body is not awaited
        self.most_bytes = 0
        self.received_bytes = self.held_bytes = 0
        self.asking: asyncio.Future[None] | None = None  # whether the sender may send a file
        self.expects = False  # to be told to continue
        self.is_whole = False
        self.is_refused = False
        self.is_cut = False
        self.has_room = asyncio.Event()
        self.has_room.set()

    # The body. Daphne takes all of it, however much that is, before anybody looks at the headers.

    def gotLength(self, length: int | None) -> None:  # noqa: N802  # Twisted's name
        super().gotLength(length)
        self.begun_at, self.asked_path = time.monotonic(), self.channel._path.decode("latin1")
        self.address = client_addresses.group_address(client_addresses.read_scope_address(self._build_head()))
        self.most_bytes = bodies.choose_max_bytes(self.channel._command, self.channel._path)
        if length is not None and length > self.most_bytes:
            self._refuse_size()
        elif length is not None and length > bodies.get_max_unknown_bytes():
            self._ask()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802  # Twisted's name
        self.received_bytes += len(data)
        if self.is_refused:
            if self.received_bytes > self.most_bytes + LINGER_BYTES:
                self.loseConnection()
            return
        self.held_bytes += len(data)
        if not held_bodies.take(self.address, len(data)):
            self._refuse(BUSY)
        elif self.received_bytes > self.most_bytes:
            self._refuse_size()
        else:
            if self.received_bytes > bodies.get_max_unknown_bytes():
                self._ask()
            super().handleContentChunk(data)

    def check_timeouts(self) -> None:
        """End a request that takes too long. Daphne calls this every other second."""
        if self.begun_at and bodies.is_too_slow(self.received_bytes, time.monotonic() - self.begun_at):
            self.begun_at = 0.0
            self.loseConnection() if self.is_refused else self.channel.close_late()
        super().check_timeouts()

    def _build_head(self) -> dict[str, Any]:
        """Return the part of an ASGI scope that says who asks. The rest is made when the body is whole."""
        headers = [(name.lower(), value) for name, values in self.requestHeaders.getAllRawHeaders() for value in values]
        peer = self.channel.transport.getPeer()
        return {"headers": headers, "client": [str(getattr(peer, "host", "")), 0], "path": self.asked_path}

    def _ask(self) -> None:
        """Ask whether the sender may send a file, and take nothing more until the answer is known."""
        if self.asking is None:
            self.expects = self.requestHeaders.hasHeader(b"expect")
            self.requestHeaders.removeHeader(b"expect")  # or else Twisted tells it to continue
            self.channel._networkProducer.pauseProducing()
            self.asking = asyncio.ensure_future(self._admit(self._build_head()))

    async def _admit(self, head: dict[str, Any]) -> None:
        from voiceproject.http.upload_checks import find_refusal  # Django's models, which load after Daphne

        refused = await find_refusal(head)
        if getattr(self, "channel", None) is None:  # gone meanwhile
            return
        if refused:
            self._refuse(refused)
        elif self.expects:
            self.channel._send100Continue()
        self.channel._networkProducer.resumeProducing()
        if self.is_whole:
            self._proceed()

    def _refuse_size(self) -> None:
        message = f"The body of the request is too large. The limit is {self.most_bytes} bytes."
        self._refuse(Refusal(413, "request_too_large", message))

    def _refuse(self, refusal: Refusal) -> None:
        """Refuse at once, before Daphne makes a request of it.

        A client that waits to be told to continue is not told so.

        The connection stays open for a while: closing it would reset the connection of a client that still sends, which
        then reads no answer.
        """
        self.is_refused = True
        self.requestHeaders.removeHeader(b"expect")
        self._let_go()
        body = refusal.build_body(self.asked_path)
        told = {**refusal.build_headers(self.asked_path), "Connection": "close", "Content-Length": str(len(body))}
        status = HTTPStatus(refusal.status)
        lines = [f"HTTP/1.1 {status} {status.phrase}", *(f"{name}: {value}" for name, value in told.items()), "", ""]
        self.channel.transport.write("\r\n".join(lines).encode() + body)

    def _let_go(self) -> None:
        held_bodies.give(self.address, self.held_bytes)
        self.held_bytes = 0

    def process(self) -> Any:
        self.begun_at, self.is_whole = 0.0, True
        return None if self.asking and not self.asking.done() else self._proceed()

    def _proceed(self) -> Any:
        """Hand the request to Daphne, without `Daphne-Root-Path`.

        Daphne believes that header from anybody, and would begin every link with it, even those in mails.
        """
        if self.is_refused:
            return self.loseConnection()
        self.requestHeaders.removeHeader(b"daphne-root-path")
        return super().process()

    # The answer. Daphne writes however much the application makes of it; here it waits for the client to read.

    def handle_reply(self, message: dict[str, Any]) -> None:
        if self.is_cut:
            return
        if message["type"] == "http.response.start" and self.channel is not None and self.producer is None:
            self.registerProducer(self, True)
        super().handle_reply(message)

    def finish(self) -> None:
        self._let_go()
        self.unregisterProducer()
        self.has_room.set()  # nobody tells it any more when the last bytes have left
        super().finish()

    def pauseProducing(self) -> None:  # noqa: N802  # Twisted's name
        self.has_room.clear()

    def resumeProducing(self) -> None:  # noqa: N802  # Twisted's name
        self.has_room.set()

    def stopProducing(self) -> None:  # noqa: N802  # Twisted's name
        self.has_room.set()

    async def wait_for_room(self) -> None:
        """Wait until the client has read enough. Close the connection after READ_TIMEOUT_SEC."""
        try:
            async with asyncio.timeout(connection_bounds.READ_TIMEOUT_SEC):
                await self.has_room.wait()
        except TimeoutError:
            self.transport.abortConnection()

    def cut(self) -> None:
        """Cut the response: what was written still leaves, but not its end."""
        self.is_cut = True
        self.loseConnection()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802  # Twisted's name
        self._let_go()
        self.begun_at = 0.0
        self.has_room.set()
        super().connectionLost(reason)

    def handle_exception(self, exception: BaseException) -> None:
        """End the response after an exception of the application.

        Daphne would begin a second response, and the error that this raises would stop its housekeeping for good.
        """
        if self._response_started:
            self.cut()
        else:
            super().handle_exception(exception)


class Server(daphne.server.Server):  # type: ignore[misc]  # Daphne has no annotations
    """Daphne's server for such requests."""

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        if isinstance(protocol, WebRequest):
            scope["extensions"] = {CUT: protocol.cut}
        return super().create_application(protocol, scope)

    def hang_up_requests(self, finished: asyncio.Future[None]) -> defer.Deferred[Any]:
        """End requests as if their clients had left, and put `finished` in place of their applications.

        Django forgets its own tasks when it is cancelled. This way it ends in order, and what was said is stored.
        """
        ending = []
        for protocol, connection in self.connections.items():
            if isinstance(protocol, WebRequest) and protocol.application_queue:
                protocol.send_disconnect()
                ending.append(connection["application_instance"])
                connection["application_instance"] = finished
        return defer.Deferred.fromFuture(asyncio.gather(*ending, return_exceptions=True))

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        await super().handle_reply(protocol, message)
        if isinstance(protocol, WebRequest):
            await protocol.wait_for_room()
