"""Run the site in this process: uvicorn's HTTP connections and our own WebSockets, on uvloop."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import uvloop
from django.core.exceptions import ImproperlyConfigured
from uvicorn.config import Config
from uvicorn.server import ServerState

from voiceproject.server import process
from voiceproject.server.accepting import Acceptor
from voiceproject.server.connection_bounds import IDLE_SEC
from voiceproject.server.http_connection import HTTPConnection
from voiceproject.server.process import CLOSE_TIMEOUT_SEC, GOODBYE_SEC, THREADS
from voiceproject.server.sessions import NoSessions, Sessions
from voiceproject.server.websocket_connection import WebSocketConnection
from voiceproject.server.worker_link import WorkerLink

AT_ONCE_SEC = 1.0  # for what is under way, when a second signal asks to stop at once
# libuv looks names up in threads of its own, half of them at a time, for as long as the name servers of strangers like.
LOOKUPS = str(2 * THREADS)


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
    os.environ.setdefault("UV_THREADPOOL_SIZE", LOOKUPS)
    process.raise_open_files()
    process.freeze_loaded_objects()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(Server(application, sessions or NoSessions()).run(listener, link, ready))


class Server:
    """The server, which ends the live sessions before it stops."""

    def __init__(self, application: Any, sessions: Sessions) -> None:
        self._sessions = sessions
        self._config = Config(
            application,
            interface="asgi3",
            lifespan="off",
            log_config=None,
            log_level="error",  # not what strangers send that is no HTTP, of which uvicorn warns each time
            access_log=False,
            proxy_headers=False,
            ws="none",  # see HTTPConnection
            timeout_keep_alive=IDLE_SEC,
        )
        self._config.load()
        self._state = ServerState()  # of uvicorn's connections
        self._sockets: set[WebSocketConnection] = set()
        self._adopting: set[asyncio.Task[None]] = set()  # asyncio itself keeps no task alive
        self._winding_down: asyncio.Task[None] | None = None
        self._has_to_stop = asyncio.Event()

    async def run(self, listener: socket.socket, link: WorkerLink | None, ready: Callable[[], None]) -> None:
        """Serve until the server was told to stop and has stopped."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="server"))
        for ending in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ending, lambda *_: self._call_from_signal(loop))
        board, number = (link.board, link.number) if link else (None, 0)
        self._acceptor = Acceptor(listener, self._adopt, self._sessions.measure, board, number)
        try:
            self._acceptor.start()
        except OSError:
            host, number = listener.getsockname()[:2]
            raise ImproperlyConfigured(f"Cannot listen on HOST {host} and PORT {number}.") from None
        self._sessions.start()
        ready()
        await self._has_to_stop.wait()
        await self._end_applications()

    def _adopt(self, connection: socket.socket) -> None:
        adopting = asyncio.get_running_loop().create_task(self._connect(connection))
        self._adopting.add(adopting)
        adopting.add_done_callback(self._adopting.discard)

    async def _connect(self, connection: socket.socket) -> None:
        with suppress(OSError):  # its client has hung up already
            await asyncio.get_running_loop().connect_accepted_socket(self._build_connection, connection)

    def _build_connection(self) -> HTTPConnection:
        return HTTPConnection(self._config, self._state, self._sockets)

    def _call_from_signal(self, loop: asyncio.AbstractEventLoop) -> None:
        with suppress(RuntimeError):  # the loop has ended, and the process is about to
            loop.call_soon_threadsafe(self.wind_down)

    def wind_down(self) -> None:
        """Accept nobody new, end what is live, then stop. Called a second time, stop at once."""
        if self._winding_down is None:
            self._winding_down = asyncio.get_running_loop().create_task(self._wind_down())
        else:
            self._winding_down.cancel()

    async def _wind_down(self) -> None:
        try:
            self._acceptor.stop()
            await self._sessions.drain()
            await self._say_goodbye()
        finally:
            self._has_to_stop.set()

    async def _say_goodbye(self) -> None:
        """Wait up to GOODBYE_SEC until the clients have answered the close frame.

        A process that exits with something unread resets its connections, and then no client learns why it was closed.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_SEC):
                while self._sockets:  # noqa: ASYNC110  only here is it waited for
                    await asyncio.sleep(0.02)

    async def _end_applications(self) -> None:
        """Hang up, wait for what is under way, and cancel what takes too long."""
        running = {*self._state.tasks, *(socket.task for socket in self._sockets)}
        for connection in list(self._state.connections):
            connection.transport.abort()
        for socket_ in list(self._sockets):
            socket_.abort()
        if running:
            is_asked_twice = self._winding_down is not None and self._winding_down.cancelled()
            await asyncio.wait(running, timeout=AT_ONCE_SEC if is_asked_twice else CLOSE_TIMEOUT_SEC)
