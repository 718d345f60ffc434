"""The frames that go to a client, which may read them as slowly as it likes."""

import asyncio

from websockets.protocol import State
from websockets.server import ServerProtocol

PONG = b"\x8a"  # how the frame begins


class FrameWriter:
    """Writes what a protocol has to send, and holds back the answers to pings while the client does not read.

    Only the newest of those has to be sent (RFC 6455, 5.5.3), so that pings without an end fill no memory.
    """

    def __init__(self, protocol: ServerProtocol, transport: asyncio.Transport) -> None:
        self._protocol, self._transport = protocol, transport
        self._is_paused = False
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._late_pong = b""

    async def wait_for_room(self) -> None:
        """Wait until the client has read enough, or nothing can be sent to it any more."""
        await self._has_room.wait()

    def flush(self) -> None:
        """Write what there is."""
        for data in self._protocol.data_to_send():
            if data.startswith(PONG) and self._is_paused:
                self._late_pong = data
            else:
                self._write(data)
        if self._protocol.state is not State.OPEN:  # nothing follows a close frame, and nobody waits to send it
            self._has_room.set()

    def pause(self) -> None:
        """Note that the client does not read as fast as is written."""
        self._is_paused = True
        if self._protocol.state is State.OPEN:
            self._has_room.clear()

    def resume(self) -> None:
        """Go on, since the client has read, or is gone."""
        self._is_paused = False
        self._has_room.set()
        late, self._late_pong = self._late_pong, b""
        if self._protocol.state is State.OPEN:
            self._write(late)

    def _write(self, data: bytes) -> None:
        if data and not self._transport.is_closing():
            self._transport.write(data)
