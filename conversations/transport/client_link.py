"""What stands between a session and its client, whose connection may be lost and made again."""

import asyncio
import json
import secrets
from collections.abc import Coroutine
from functools import partial
from time import monotonic
from typing import Any

from django.conf import settings

from conversations.close_codes import ABNORMAL, POLICY_VIOLATION
from conversations.realtime.protocol.client_events import read_ping
from conversations.realtime.protocol.ids import make_id
from conversations.session.base import Session
from conversations.session.dispatch.pace import Pace
from conversations.session.endings import GOODBYES
from conversations.transport.goodbyes import build_goodbye
from conversations.transport.pipe import get_process_id
from conversations.transport.replay_log import ReplayLog
from conversations.transport.sockets import HandOver, Readmit, Receive, Socket

EXTENSION = "resume"
SETTINGS_SHOWN = '{"type": "session.updated"'  # how the frame begins behind which the extension may be on, or off
# Of a session that has ended without its client: enough for the error that says why.
LAST_BYTES = 64_000
TOO_SLOW_CODE, TOO_SLOW = "output_too_slow", "The client does not read what it missed."

# What a client missed, up to 4 MB, goes to it at this pace over all connections: the network may take none of it.
CATCH_UP_BURST_BYTES, CATCH_UP_BYTES_PER_SEC = 500_000, 400_000
TOKEN_BYTES = 24

_hosted: set[asyncio.Task[None]] = set()  # asyncio itself keeps no task alive
RESUMABLE: dict[str, "ClientLink"] = {}  # by the token that the client was told


class ClientLink:
    """Carry frames between a session and its client, over one socket after another.

    For a client that asks for the extension `resume` it keeps what was sent lately. If the connection is lost, the
    session goes on for RESUME_SEC without a socket, and a new one gets all that was missed, once. `readmit`
    tells whether the user may still have a session that waited so.
    """

    def __init__(self, socket: Socket, user_id: int, readmit: Readmit) -> None:
        self.user_id = user_id
        self.token = ""  # by which the client may come back; "" if it may not
        self.hosted: asyncio.Task[None]
        self._socket: Socket | None = socket
        self._session: asyncio.Future[Session | None] = asyncio.get_running_loop().create_future()
        self._log = ReplayLog()
        self._readmit, self._returning = readmit, asyncio.Lock()
        self._pace = Pace(CATCH_UP_BURST_BYTES, CATCH_UP_BYTES_PER_SEC)
        self._is_catching_up = False
        self._received_frames = 0
        self._close_code: int | None = None
        self._answering: asyncio.Task[None] | None = None
        self._waiting: asyncio.TimerHandle | None = None

    # The session's side.

    def host(self, work: Coroutine[Any, Any, None]) -> None:
        """Run the session in a task that outlives its sockets."""
        self.hosted = asyncio.create_task(work)
        _hosted.add(self.hosted)
        self.hosted.add_done_callback(self._end)

    def begin(self, session: Session) -> None:
        """Take frames for this session from now on."""
        self._session.set_result(session)

    async def send(self, frame: str) -> None:
        """Send a frame, or keep it for a client that may come back."""
        if self.token:
            self._log.add(frame)
        if self._socket is not None and not self._is_catching_up:
            await self._socket.send_text(frame)
        if frame.startswith(SETTINGS_SHOWN):
            await self._offer_resumption(self._session.result())

    async def close(self, code: int) -> None:
        """Close the client's connection; one that comes back later is closed in the same way."""
        self._close_code = code
        if self._socket is not None and not self._is_catching_up:
            await self._socket.close(code)

    async def _offer_resumption(self, session: Session | None) -> None:
        """Tell the client how it may come back, if it has asked for that."""
        seconds = settings.REALTIME["RESUME_SEC"]
        is_asked = session is not None and bool(seconds) and session.machine.state.has_extension(EXTENSION)
        if is_asked and not self.token:
            self.token = f"{get_process_id()}.{secrets.token_urlsafe(TOKEN_BYTES)}"
            RESUMABLE[self.token] = self
            told = {"type": "session.resumption", "event_id": make_id("event"), "token": self.token, "seconds": seconds}
            await self.send(json.dumps(told))
        elif not is_asked and self.token:
            self._withdraw()
            self._log = ReplayLog()

    def _withdraw(self) -> None:
        RESUMABLE.pop(self.token, None)
        self.token = ""

    def _end(self, hosted: asyncio.Task[None]) -> None:
        """Forget a session that has ended, or keep only why for a client that may still come back."""
        _hosted.discard(hosted)
        if not self._session.done():
            self._session.set_result(None)
        if self._waiting is None:
            self._withdraw()
        else:
            self._log.forget_beyond(LAST_BYTES)

    # The sockets' side.

    async def take_frames(self, socket: Socket, receive: Receive, hand_over: HandOver | None = None) -> None:
        """Take frames until the socket is gone, and the session has ended or waits for the client to come back.

        A server that can `hand_over` gives each frame to a function at once, so that none costs the switch to a task;
        then `receive` only tells of the end.
        """
        if (session := await asyncio.shield(self._session)) is None:
            return
        if hand_over is not None:
            hand_over(partial(self._feed_at_once, socket, session))
        with session.error_boundary:
            while (message := await receive())["type"] == "websocket.receive":
                frame = message.get("text")
                self.feed(socket, frame if frame is not None else message["bytes"], session)
            if self.drop(socket, message.get("code", ABNORMAL)):
                return
        await asyncio.wait({self.hosted})

    def _feed_at_once(self, socket: Socket, session: Session, frame: str | bytes) -> None:
        with session.error_boundary:
            self.feed(socket, frame, session)

    def feed(self, socket: Socket, frame: str | bytes, session: Session) -> None:
        """Take a frame. What an earlier socket still has is ignored: it comes again over the present one."""
        if socket is not self._socket:
            return
        self._received_frames += 1
        session.feed(frame)
        if (ping := read_ping(frame)) is not None:
            if isinstance(after := ping.get("after"), str):
                self._log.acknowledge(after)
            is_answering = self._answering is not None and not self._answering.done()  # it may wait for the client
            if not (is_answering or session.is_ending or self._is_catching_up):  # to one that catches up it is no news
                self._answering = asyncio.create_task(self._send_pong(socket))

    async def _send_pong(self, socket: Socket) -> None:
        """Answer at once, ahead of all that waits. It need not come again."""
        pong = json.dumps({"type": "session.pong", "event_id": make_id("event")})
        if self.token:
            self._log.add(pong, is_repeated=False)
        await socket.send_text(pong)

    def can_resume(self, after: str) -> bool:
        """Return whether all is here that followed this event, or the session is over, so that only its end is told."""
        return self.hosted.done() or self._log.find_next(after) is not None

    def drop(self, socket: Socket, code: int) -> bool:
        """Note that a socket is gone, with this close code. Return whether the session waits for another one."""
        if socket is not self._socket:
            return True
        self._socket = None
        session = self._session.result()
        if session is None or self.hosted.done():
            self._withdraw()
            return False
        if not self.token or code in GOODBYES or session.is_ending:
            session.hang_up(code)
            return False
        session.detached_at = monotonic()
        self._waiting = asyncio.get_running_loop().call_later(
            settings.REALTIME["RESUME_SEC"], self._give_up, session, code
        )
        return True

    def _give_up(self, session: Session, code: int) -> None:
        """End the session, since its client has not come back."""
        self._stop_waiting()
        self._withdraw()
        session.hang_up(code, session.detached_at)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    @property
    def waits_since(self) -> float | None:
        """Return since when the session waits for its client to come back, or None if it does not."""
        session = self._session.result() if self._waiting is not None and not self.hosted.done() else None
        return None if session is None or session.is_ending else session.detached_at

    def give_up(self) -> None:
        """End the session that waits for its client, whose place somebody else has."""
        if (session := self._session.result()) is not None:
            self._give_up(session, ABNORMAL)

    async def take_back(self, socket: Socket, after: str) -> bool:
        """Attach the socket of a client that comes back behind the event `after`, and return whether that can be."""
        async with self._returning:  # it may come twice at once: the later one has it then
            if self.waits_since is not None and not await self._readmit(self.user_id) and self.waits_since is not None:
                self.give_up()
            can_resume = bool(self.token) and self.can_resume(after)
            if can_resume:
                self._attach(socket)
            return can_resume

    def _attach(self, socket: Socket) -> None:
        """Let a new socket take the place of the one before, which may be dead without anybody knowing."""
        former, self._socket, self._is_catching_up = self._socket, socket, True
        if former is not None:
            former.release()
        self._stop_waiting()
        if session := self._session.result():
            session.detached_at = None

    async def catch_up(self, socket: Socket, after: str) -> None:
        """Send all that followed the event `after`, then go on as if nothing had been."""
        number = self._log.find_next(after)
        number = self._log.first if number is None else number
        event_id = make_id("event")
        self._log.add_alias(event_id, after)
        told = {"type": "session.resumed", "event_id": event_id, "received_frames": self._received_frames}
        await socket.send_text(json.dumps(told))
        try:
            while self._socket is socket and (frame := self._log.read(number)) is not None:
                number += 1
                if frame:
                    await socket.send_text(frame)
                    await self._pace.take(len(frame))
        except LookupError:
            return await self._refuse_slow_reader(socket)
        if self._socket is socket:
            self._is_catching_up = False
            if self._close_code is not None:
                await socket.close(self._close_code)
        return None

    async def _refuse_slow_reader(self, socket: Socket) -> None:
        if session := self._session.result():
            session.close(POLICY_VIOLATION, TOO_SLOW_CODE, TOO_SLOW)
        await socket.send_text(build_goodbye(POLICY_VIOLATION, TOO_SLOW_CODE, TOO_SLOW))
        await socket.close(POLICY_VIOLATION)
