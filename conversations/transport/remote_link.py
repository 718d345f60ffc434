"""A client whose connection reached another process than the one that holds its session.

The process that was reached passes frames on (`open_pipe`, `carry`), and the one that holds the session listens for
such clients, to whom it talks as to its own (`RemoteSocket`).
"""

import asyncio
import logging
import re
import secrets
from collections import deque
from typing import NoReturn

from django.conf import settings

from conversations.close_codes import ABNORMAL, NORMAL
from conversations.session.live_sessions import RESTARTING, RESTARTING_CODE
from conversations.transport.client_link import ClientLink
from conversations.transport.pipe import Frame, Message, Pipe, PipeBrokenError, get_layer, get_process_id, name_channel
from conversations.transport.returning import take_link
from conversations.transport.shown_frames import ShownFrames
from conversations.transport.sockets import Receive, Socket

log = logging.getLogger(__name__)

ANSWER_SEC = 1.0  # if the other process has not answered by then, the session is given up
REJOIN_SEC = 2.0  # after the channel layer failed
LOST_CODE = "server_lost"
LOST = "The part of the server that held this conversation does not answer. Connect again to continue."
_carried: dict[Pipe, ShownFrames] = {}  # the clients of other processes' sessions
_discarding: set[asyncio.Task[None]] = set()  # asyncio itself keeps no task alive
TOKEN = re.compile(r"([0-9a-f]{16})\.[\w-]+")


# The process that the client has reached.


async def open_pipe(token: str, after: str, user_id: int) -> Pipe | None:
    """Return the way to the process that holds the session of this token, or None if there is none any more."""
    named = TOKEN.fullmatch(token)
    if named is None or named[1] == get_process_id() or not settings.REDIS_URL:
        return None
    try:
        async with asyncio.timeout(ANSWER_SEC):
            layer = get_layer()
            own = await layer.new_channel()  # of the layer's usual name: it receives for one name at a time only
            pipe = Pipe(name_channel(named[1]), secrets.token_hex(8), lambda: layer.receive(own))
            await pipe.tell("open", token=token, after=after, user_id=user_id, reply=own)
            answer = await layer.receive(own)
    except Exception as error:  # whatever library fails, and a process that is gone
        log.info("a session of another process could not be resumed: %s", type(error).__name__)
        return None
    return pipe if answer["type"] == "attached" else None


async def carry(pipe: Pipe, socket: Socket, receive: Receive, after: str) -> None:
    """Pass frames on between a client, which has all up to the event `after`, and its session.

    Return once either is gone, or this process stops.
    """
    _carried[pipe] = shown = ShownFrames(pipe, socket, after)
    taking, sending = asyncio.create_task(_take_frames(pipe, receive)), asyncio.create_task(pipe.send_batches())
    try:
        await asyncio.wait({sending, shown.showing}, return_when=asyncio.FIRST_COMPLETED)
        if [one for one in (sending, shown.showing) if one.done() and not one.cancelled() and one.exception()]:
            # The client comes back once more, and the session may still be there.
            shown.end(LOST_CODE, LOST)
        if shown.ending is not None:
            await asyncio.wait({shown.ending, sending} if pipe.is_ending else {shown.ending})
    finally:
        for task in (taking, sending, shown.showing, shown.ending):
            if task is not None:
                task.cancel()
        del _carried[pipe]
        discarding = asyncio.create_task(pipe.discard_rest())
        _discarding.add(discarding)
        discarding.add_done_callback(_discarding.discard)


async def release_carried() -> None:
    """Have the clients of other processes' sessions come back once more, to another process: this one stops."""
    endings = []
    for pipe, shown in _carried.items():
        pipe.end(ABNORMAL)
        endings.append(shown.end(RESTARTING_CODE, RESTARTING))
    if endings:
        await asyncio.wait(endings)


async def _take_frames(pipe: Pipe, receive: Receive) -> None:
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        pipe.put(text if text is not None else message["bytes"])
        await pipe.wait_for_room()
    pipe.end(message.get("code", ABNORMAL))


# The process that holds the session.


class RemoteSocket:
    """The socket of a client that has reached another process."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._frames: deque[Frame] = deque()

    async def serve(self, link: ClientLink, after: str) -> None:
        """Carry frames both ways, until the client is gone or its connection is closed. Raise PipeBrokenError."""
        try:
            await self._pipe.tell("attached")
            await self._carry(link, after)
        finally:
            link.drop(self, ABNORMAL)  # nothing to it, if it is known, or another one has taken its place

    async def _carry(self, link: ClientLink, after: str) -> None:
        taking = asyncio.create_task(link.take_frames(self, self._receive))
        sending = asyncio.create_task(self._pipe.send_batches())
        catching_up = asyncio.create_task(link.catch_up(self, after))
        try:
            await asyncio.wait({taking, sending}, return_when=asyncio.FIRST_COMPLETED)
            if self._pipe.is_ending:
                await asyncio.wait({sending})
            elif sending.done():
                log.warning("the way to a client was lost: %s", sending.exception())
        finally:
            for task in (taking, sending, catching_up):
                task.cancel()

    async def send_text(self, text: str) -> None:
        """Send a text frame."""
        self._pipe.put(text)

    async def close(self, code: int) -> None:
        """Close the client's connection."""
        self._pipe.end(code)

    def release(self) -> None:
        """Serve no longer, since the client has come back over another socket."""
        self._pipe.end(NORMAL)

    async def _receive(self) -> Message:
        """Return the next frame as an ASGI server would bring it, or the end."""
        code = None
        while not self._frames and code is None:
            try:
                frames, code = await self._pipe.read()
            except PipeBrokenError:
                code = ABNORMAL
            else:
                self._frames.extend(frames)
        if not self._frames:
            return {"type": "websocket.disconnect", "code": code}
        frame = self._frames.popleft()
        return {"type": "websocket.receive", "text" if isinstance(frame, str) else "bytes": frame}


class RemoteClients:
    """The clients of this process's sessions that have reached another one."""

    def __init__(self) -> None:
        self._messages: dict[str, asyncio.Queue[Message]] = {}  # by connection
        self._serving: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Task[NoReturn] | None = None

    def start(self) -> None:
        """Listen for them, where there are other processes."""
        if settings.REDIS_URL:
            self._listening = asyncio.create_task(self._listen())

    def end(self) -> None:
        """Listen no longer."""
        for task in (self._listening, *self._serving):
            if task is not None:
                task.cancel()

    async def _listen(self) -> NoReturn:
        is_known = False
        while True:
            try:
                while True:
                    self._take(await get_layer().receive(name_channel(get_process_id())))
            except Exception as error:  # an error boundary, whatever library fails: Redis may come back
                if not is_known:
                    log.warning("sessions cannot be resumed from other processes: %s", type(error).__name__)
                is_known = True
            await asyncio.sleep(REJOIN_SEC)

    def _take(self, message: Message) -> None:
        if message["type"] == "open":
            task = asyncio.create_task(self._open(message))
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        elif messages := self._messages.get(message["id"]):
            messages.put_nowait(message)

    async def _open(self, asked: Message) -> None:
        """Go on with the session that a client of another process asks for, if it is here."""
        messages: asyncio.Queue[Message] = asyncio.Queue()
        self._messages[asked["id"]] = messages
        pipe = Pipe(asked["reply"], asked["id"], messages.get)
        try:
            socket = RemoteSocket(pipe)
            link = await take_link(socket, asked["token"], asked["after"], asked["user_id"])
            if link is None:
                await pipe.tell("refused")
            else:
                await socket.serve(link, asked["after"])
        except PipeBrokenError as error:
            log.warning("a client that came by another process could not be answered: %s", error)
        finally:
            del self._messages[asked["id"]]


REMOTE_CLIENTS = RemoteClients()  # of this process's sessions
