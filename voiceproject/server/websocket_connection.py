"""One WebSocket: the ASGI application on one side, the client's frames on the other.

`websockets` reads and writes the frames. Here is what it does not know: the event loop, ASGI, and the bounds.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from websockets.exceptions import InvalidState
from websockets.http11 import Response
from websockets.protocol import State
from websockets.server import ServerProtocol

from voiceproject.server.connection_bounds import cut
from voiceproject.server.frame_writer import FrameWriter
from voiceproject.server.message_reader import READ_BYTES, MessageReader
from voiceproject.server.process import CLOSE_TIMEOUT_SEC, MAX_MESSAGE_BYTES

FRAMES = "voiceproject.frames"
"""In the scope's extensions: a function that takes a handler, to which each message then goes at once, as str or bytes,
instead of through `receive`. So it costs no switch to a task."""
HELD_BYTES = 1_000_000  # of messages that the application has not received; the client waits beyond that
# A client that was not heard of between so many pings is gone.
PING_SEC, MISSED_PINGS = 20.0, 2
ANSWER_SEC = 10.0  # for a client to answer the close frame
NORMAL, ABNORMAL, INTERNAL_ERROR = 1000, 1006, 1011
logger = logging.getLogger(__name__)
# At level DEBUG the library logs what is in the frames, and so what is said.
_quiet = logging.getLogger(f"{__name__}.websocket")
_quiet.setLevel(logging.INFO)
Message = Mapping[str, Any]
Application = Callable[[dict[str, Any], Any, Any], Any]
Handler = Callable[[str | bytes], None]


class WebSocketConnection(asyncio.Protocol):
    """A WebSocket from its handshake on, of which `response` is the answer if the application accepts it.

    `open_sockets` is where it stands as long as it is connected. `report` is told what happens, for the access log.
    """

    def __init__(
        self,
        application: Application,
        scope: dict[str, Any],
        response: Response,
        transport: asyncio.Transport,
        open_sockets: "set[WebSocketConnection]",
        report: Callable[[str], None],
    ) -> None:
        self._application, self._response, self._transport = application, response, transport
        self._scope = {**scope, "extensions": {FRAMES: self.hand_messages_to}}
        self._protocol = ServerProtocol(state=State.OPEN, max_size=MAX_MESSAGE_BYTES, logger=_quiet)
        self._open_sockets, self._report = open_sockets, report
        self._loop = asyncio.get_running_loop()
        self._reader = MessageReader(self._protocol, self._loop.time())
        self._writer = FrameWriter(self._protocol, transport)
        self._is_accepted = self._is_closed = False  # by the application
        self._received: asyncio.Queue[Message] = asyncio.Queue()
        self._handler: Handler | None = None
        self._held_bytes = self._missed_pings = 0
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._received.put_nowait({"type": "websocket.connect"})
        open_sockets.add(self)
        self.task = self._loop.create_task(self._run())

    async def _run(self) -> None:
        code = NORMAL
        try:
            await self._application(self._scope, self.receive, self.send)
        except asyncio.CancelledError:
            cut(self._transport)
        except Exception:  # an error boundary
            logger.exception("a WebSocket failed")
            code = INTERNAL_ERROR
        if not self._is_accepted:
            self._reject()
        else:
            self._close(code)

    # The application's side.

    async def receive(self) -> Message:
        """Return the next message for the application."""
        message = await self._received.get()
        if message["type"] == "websocket.receive":
            self._held_bytes -= len(message.get("text") or message.get("bytes") or "")
            self._read_on()
        return message

    def hand_messages_to(self, handler: Handler) -> None:
        """Give each message to this function from now on, beginning with those that wait."""
        self._handler = handler
        for _ in range(self._received.qsize()):
            message = self._received.get_nowait()
            if message["type"] == "websocket.receive":
                content = message["text"] if "text" in message else message["bytes"]
                self._held_bytes -= len(content)
                self._deliver(content)
            else:
                self._received.put_nowait(message)
        self._read_on()

    async def send(self, message: Message) -> None:
        """Do what the application wants. What is sent to a client that has just gone is lost without an error."""
        match message["type"]:
            case "websocket.accept" if not self._is_accepted:
                self._accept(message)
            case "websocket.send" if self._is_accepted:
                await self._writer.wait_for_room()
                with suppress(InvalidState):
                    if (text := message.get("text")) is not None:
                        self._protocol.send_text(text.encode())
                    else:
                        self._protocol.send_binary(message["bytes"])
                self._writer.flush()
            case "websocket.close" if self._is_accepted:
                self._close(message.get("code") or NORMAL)
            case "websocket.close":
                self._reject()
            case kind:
                raise RuntimeError(f"no {kind} is expected here")

    def _accept(self, message: Message) -> None:
        self._is_accepted = True
        if self._transport.is_closing():
            return
        headers = self._response.headers
        if subprotocol := message.get("subprotocol"):
            headers["Sec-WebSocket-Protocol"] = subprotocol
        for name, value in message.get("headers") or ():
            headers[name.decode("latin1")] = value.decode("latin1")
        self._transport.write(self._response.serialize())
        self._report("connected")
        self._timers["ping"] = self._loop.call_later(PING_SEC, self._ping)
        self._read_on()

    def _reject(self) -> None:
        """Refuse the handshake, in the one way that ASGI has."""
        if not self._transport.is_closing():
            self._transport.write(b"HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            self._transport.close()
            self._report("rejected")

    def _close(self, code: int) -> None:
        """Send a close frame, ahead of nothing, and give the client a while to answer it."""
        self._is_closed = True
        with suppress(InvalidState):
            self._protocol.send_close(code)
            self._writer.flush()
            self._abort_later()
            self._read_on()

    def _abort_later(self) -> None:
        """Cut the connection of a client that neither answers the close frame nor reads it."""
        if "close" not in self._timers:
            self._timers["close"] = self._loop.call_later(ANSWER_SEC, cut, self._transport)

    # The client's side.

    def data_received(self, data: bytes) -> None:
        """Read frames, and let others have their turn if there are many."""
        self._missed_pings = 0
        if self._reader.is_waiting or len(data) > READ_BYTES or not self._is_accepted:
            self._reader.put_aside(data)
            self._read_on()
        else:
            self._read(data)

    def _read_on(self) -> None:
        """Read more of what came, or from the client."""
        if self._transport.is_closing():
            return
        if not self._is_accepted or self._is_full():
            self._transport.pause_reading()
        elif not self._reader.is_waiting:
            self._transport.resume_reading()
        elif "read" not in self._timers:
            self._transport.pause_reading()
            self._timers["read"] = self._loop.call_later(0, self._read_piece)

    def _read_piece(self) -> None:
        del self._timers["read"]
        self._read(self._reader.take_piece())
        self._read_on()

    def _read(self, data: bytes) -> None:
        for message in self._reader.read(data):
            self._deliver(message)
        self._writer.flush()  # pongs, and the answer to a close frame
        if self._reader.is_too_fast(self._loop.time()):
            cut(self._transport)
        elif self._protocol.eof_sent:
            self._transport.close()
            self._abort_later()

    def _deliver(self, content: str | bytes) -> None:
        if self._is_closed:
            return
        if self._handler is not None:
            self._handler(content)
            return
        self._held_bytes += len(content)
        kind = "text" if isinstance(content, str) else "bytes"
        self._received.put_nowait({"type": "websocket.receive", kind: content})
        if self._is_full():
            self._read_on()

    def _is_full(self) -> bool:
        return self._held_bytes > HELD_BYTES and self._protocol.state is State.OPEN

    def _ping(self) -> None:
        if self._missed_pings >= MISSED_PINGS:
            cut(self._transport)
            return
        self._missed_pings += self._transport.is_reading()
        with suppress(InvalidState):
            self._protocol.send_ping(b"")
            self._writer.flush()
        self._timers["ping"] = self._loop.call_later(PING_SEC, self._ping)

    def pause_writing(self) -> None:
        self._writer.pause()

    def resume_writing(self) -> None:
        self._writer.resume()

    def eof_received(self) -> None:
        self._abort_later()

    def connection_lost(self, _: Exception | None) -> None:
        """Tell the application, and cut it short if it goes on for too long."""
        self._open_sockets.discard(self)
        for timer in self._timers.values():
            timer.cancel()
        self._writer.resume()
        closed = self._protocol.close_rcvd
        self._received.put_nowait({"type": "websocket.disconnect", "code": closed.code if closed else ABNORMAL})
        if self._is_accepted:
            self._report("disconnected")
        if not self.task.done():
            self._loop.call_later(CLOSE_TIMEOUT_SEC, self.task.cancel)  # nothing to one that has ended

    def abort(self) -> None:
        """Cut the connection."""
        cut(self._transport)
