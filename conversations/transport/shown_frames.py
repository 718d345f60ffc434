"""What a client of another process's session is shown."""

import asyncio
from contextlib import suppress

from conversations.close_codes import SERVICE_RESTART
from conversations.realtime.protocol.ids import make_id
from conversations.transport.goodbyes import build_goodbye
from conversations.transport.pipe import Pipe
from conversations.transport.replay_log import ADDED, find_event_id
from conversations.transport.sockets import Socket

GOODBYE_SEC = 1.0  # for a client to read so much that it can be told why its connection is closed


class ShownFrames:
    """Pass the frames of a pipe on to a client, which has all up to the event `after`, until either is gone."""

    def __init__(self, pipe: Pipe, socket: Socket, after: str) -> None:
        self._pipe, self._socket = pipe, socket
        self._after = after  # the last event that the client was sent
        self.showing = asyncio.create_task(self._show_frames())
        self.ending: asyncio.Task[None] | None = None

    async def _show_frames(self) -> None:
        while True:
            frames, code = await self._pipe.read()
            for frame in map(str, frames):
                await self._socket.send_text(frame)  # it may wait for the client, and be cancelled then
                self._after = find_event_id(frame) or self._after
            if code is not None:
                return await self._socket.close(code)

    def end(self, code: str, message: str) -> asyncio.Task[None]:
        """Show nothing more. Return the task that tells the client to come back, and closes its connection."""
        if self.ending is None:
            self.showing.cancel()
            self.ending = asyncio.create_task(self._say_goodbye(code, message))
        return self.ending

    async def _say_goodbye(self, code: str, message: str) -> None:
        """Send an event behind which the session can go on, if the client reads, and close its connection anyway."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_SEC):
                await asyncio.wait({self.showing})
                event_id = f"{self._after.partition(ADDED)[0]}{ADDED}{make_id('event')}"
                await self._socket.send_text(build_goodbye(SERVICE_RESTART, code, message, event_id))
        await self._socket.close(SERVICE_RESTART)
