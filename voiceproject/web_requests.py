"""HTTP requests, in Daphne: what it leaves unbounded has bounds here, and an answer can be cut."""

import asyncio
import json
from typing import Any

import daphne.http_protocol
import daphne.server
from django.conf import settings
from twisted.internet import defer

# Beside a file that is uploaded: the other parts of a form, and its boundaries.
FORM_BYTES = 1_000_000
# What is read and dropped of a body that is too large, so that its client can read why.
LINGER_BYTES = 50_000_000
# For a client to read what was sent, some 64 KB and what the kernels hold, before it counts as gone.
READ_TIMEOUT_SEC = 120.0
CUT = "voiceproject.cut"
"""In the scope's extensions: ends the connection amid the answer, so that the client sees that it is not whole."""


class WebRequest(daphne.http_protocol.WebRequest):  # type: ignore[misc]  # Daphne has no annotations
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Twisted would parse forms, of any size and on the event loop, for nobody: Django does it again.
        super().__init__(*args, parsePOSTFormSubmission=False, **kwargs)
        self.received_bytes = 0
        self.is_refused = False
        self.is_cut = False
        self.has_room = asyncio.Event()
        self.has_room.set()

    # The body. Daphne takes all of it, however much that is, before anybody looks at the headers.

    def gotLength(self, length: int | None) -> None:  # noqa: N802  # Twisted's name
        super().gotLength(length)
        if length is not None and length > _most_bytes():
            self._refuse_body()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802  # Twisted's name
        self.received_bytes += len(data)
        if self.is_refused:
            if self.received_bytes > _most_bytes() + LINGER_BYTES:
                self.loseConnection()
        elif self.received_bytes > _most_bytes():
            self._refuse_body()
        else:
            super().handleContentChunk(data)

    def _refuse_body(self) -> None:
        """At once: no request is made of it. A client that waits to be told to continue is not told so.

        To close at once as well would reset the connection of a client that still sends, and it would read no answer.
        """
        self.is_refused = True
        self.requestHeaders.removeHeader(b"expect")
        message = f"The body of the request is too large; the most is {_most_bytes()} bytes."
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": "request_too_large"}
        body = json.dumps({"error": error}).encode()
        lines = (b"HTTP/1.1 413 Content Too Large", b"content-type: application/json", b"connection: close",
                 b"content-length: %d" % len(body), b"", body)  # fmt: skip
        self.channel.transport.write(b"\r\n".join(lines))

    def process(self) -> Any:
        """Daphne believes whoever sends `Daphne-Root-Path`, and every link would begin with it, also those in mails."""
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
        self.unregisterProducer()
        self.has_room.set()  # nobody tells it any more when the last bytes have left
        super().finish()

    def pauseProducing(self) -> None:  # noqa: N802  # Twisted's name
        self.has_room.clear()

    def resumeProducing(self) -> None:  # noqa: N802  # Twisted's name
        self.has_room.set()

    def stopProducing(self) -> None:  # noqa: N802  # Twisted's name
        self.has_room.set()

    async def room(self) -> None:
        try:
            async with asyncio.timeout(READ_TIMEOUT_SEC):
                await self.has_room.wait()
        except TimeoutError:
            self.transport.abortConnection()

    def cut(self) -> None:
        """What was written still leaves; the end of the answer does not."""
        self.is_cut = True
        self.loseConnection()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802  # Twisted's name
        self.has_room.set()
        super().connectionLost(reason)

    def handle_exception(self, exception: BaseException) -> None:
        """Daphne would begin a second answer, and with what that raises end its own housekeeping for ever."""
        if self._response_started:
            self.cut()
        else:
            super().handle_exception(exception)


def _most_bytes() -> int:
    return int(settings.TURN_MAX_BYTES) + FORM_BYTES


class Server(daphne.server.Server):  # type: ignore[misc]  # Daphne has no annotations
    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        if isinstance(protocol, WebRequest):
            scope["extensions"] = {CUT: protocol.cut}
        return super().create_application(protocol, scope)

    def hang_up_requests(self, finished: asyncio.Future[None]) -> defer.Deferred[Any]:
        """Ends requests as if their clients had gone, for `finished` in place of their applications.

        Django forgets its own tasks when it is cancelled; so it goes about it in order, and what was said is stored.
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
            await protocol.room()
