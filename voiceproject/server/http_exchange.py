"""One HTTP request and its answer: the bounds that stand between a client and the application."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from tempfile import SpooledTemporaryFile
from typing import Any

from accounts.security import client_addresses
from voiceproject.http import bodies
from voiceproject.http.refusals import BUSY, Refusal
from voiceproject.server import connection_bounds
from voiceproject.server.connection_bounds import CUT, LINGER_BYTES, held_bodies
from voiceproject.server.process import log_request

IN_MEMORY_BYTES = 100_000  # of a body; what is beyond waits in /tmp
PIECE_BYTES = 65_536
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
AMBIGUOUS = Refusal(400, "invalid_request", "A request has a Content-Length or a Transfer-Encoding, not both.")
TOO_SLOW = Refusal(408, "request_timeout", "The body of the request came too slowly.")


class RefusedError(Exception):
    """The body is not taken, and its sender is told why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


class GoneError(Exception):
    """The client hung up before its request was whole."""


class Exchange:
    """A request, whose body is taken within the bounds before the application sees it, and its answer.

    `abort` cuts the connection, `close` ends it when what was written has left.
    """

    def __init__(
        self, scope: dict[str, Any], receive: Receive, send: Send, abort: Callable[[], None], close: Callable[[], None]
    ) -> None:
        self._scope, self._receive_more, self._send_on = scope, receive, send
        self._abort, self._close = abort, close
        self._begun_at = time.monotonic()
        self._path = scope["path"]
        self._address = client_addresses.group_address(client_addresses.read_scope_address(scope))
        self._headers: dict[bytes, bytes] = dict(scope["headers"])
        self._most = bodies.choose_max_bytes(scope["method"].encode(), scope["raw_path"])
        self._is_known = False  # its sender may send a file
        self._received_bytes = self._held_bytes = 0
        self._is_whole = self._is_cut = False
        self._status = 0
        self._body: SpooledTemporaryFile[bytes] | None = None

    async def run(self, application: Callable[..., Awaitable[None]]) -> None:
        """Take the body, and have the application answer."""
        self._scope["extensions"] = {CUT: self._cut}
        try:
            await self._take_body()
            await application(self._scope, self._receive, self._send)
        except RefusedError as error:
            await self._refuse(error.refusal)
        except GoneError:
            pass
        finally:
            held_bodies.give(self._address, self._held_bytes)
            if self._body:
                self._body.close()

    # The body.

    async def _take_body(self) -> None:
        length = int(self._headers.get(b"content-length", b"0"))
        is_chunked = b"transfer-encoding" in self._headers
        if is_chunked and b"content-length" in self._headers:
            raise RefusedError(AMBIGUOUS)  # a proxy might see another request in it than we do
        if not length and not is_chunked:
            return
        await self._check(length)
        self._body = SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115  closed at the end of the exchange
        while (piece := await self._take_piece()) is not None:
            self._held_bytes += len(piece)
            if not held_bodies.take(self._address, len(piece)):
                raise RefusedError(BUSY)
            await self._check(self._received_bytes)
            self._body.write(piece)
        self._body.seek(0)

    async def _take_piece(self) -> bytes | None:
        """Return more of the body; None once it is whole. Raise RefusedError if it comes too slowly, or GoneError."""
        if self._is_whole:
            return None
        due_sec = bodies.GRACE_SEC + self._received_bytes / bodies.MIN_BYTES_PER_SEC
        try:
            async with asyncio.timeout(max(0.0, due_sec - (time.monotonic() - self._begun_at))):
                message = await self._receive_more()
        except TimeoutError:
            raise RefusedError(TOO_SLOW) from None
        if message["type"] == "http.disconnect":
            raise GoneError
        self._is_whole = not message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        self._received_bytes += len(piece)
        return piece

    async def _check(self, count: int) -> None:
        """Raise RefusedError if a body of so many bytes is too large, or its sender may not send one of that size."""
        if count > self._most:
            message = f"The body of the request is too large. The limit is {self._most} bytes."
            raise RefusedError(Refusal(413, "request_too_large", message))
        if count > bodies.get_max_unknown_bytes() and not self._is_known:
            from voiceproject.http.upload_checks import find_refusal  # Django's models, which load later

            if refusal := await find_refusal(self._scope):
                raise RefusedError(refusal)
            self._is_known = True

    async def _refuse(self, refusal: Refusal) -> None:
        """Tell the client why, and go on reading for a while.

        Closing the connection would reset that of a client that still sends, which then reads no answer.
        """
        held_bodies.give(self._address, self._held_bytes)
        self._held_bytes = 0
        body = refusal.build_body(self._path)
        headers = {**refusal.build_headers(self._path), "Connection": "close", "Content-Length": str(len(body))}
        encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": refusal.status, "headers": encoded})
        await self._send({"type": "http.response.body", "body": body, "more_body": True})
        if refusal is not TOO_SLOW:
            await self._linger()
        await self._send({"type": "http.response.body"})

    async def _linger(self) -> None:
        try:
            while self._received_bytes <= self._most + LINGER_BYTES:
                if await self._take_piece() is None:
                    return
        except (GoneError, RefusedError):
            pass

    async def _receive(self) -> Message:
        """Return a piece of the body, and once there is no more what the server has to say."""
        if self._body is None:
            message: Message = await self._receive_more()
            return message
        piece = self._body.read(PIECE_BYTES)
        if has_more := self._body.tell() < self._received_bytes:
            await asyncio.sleep(0)  # let others have their turn
        else:
            self._body.close()
            self._body = None
        return {"type": "http.request", "body": piece, "more_body": has_more}

    # The answer.

    async def _send(self, message: dict[str, Any]) -> None:
        """Send, once the client has read enough of what was sent. Cut the connection after READ_TIMEOUT_SEC."""
        if self._is_cut:
            return
        if message["type"] == "http.response.start":
            self._status = message["status"]
            date = (b"date", formatdate(usegmt=True).encode())
            message = {**message, "headers": [*message.get("headers", ()), date]}
        elif not message.get("more_body", False):
            self._report()
        try:
            async with asyncio.timeout(connection_bounds.READ_TIMEOUT_SEC):
                await self._send_on(message)
        except TimeoutError:
            self._abort()

    def _cut(self) -> None:
        self._is_cut = True
        self._close()

    def _report(self) -> None:
        client = "{}:{}".format(*self._scope["client"]) if self._scope["client"] else None
        told = {"path": self._scope["raw_path"].decode("latin1"), "status": self._status}
        log_request("http", "complete", {**told, "method": self._scope["method"], "client": client})
