"""`python -m bench.foreign_servers NAME`: the site under an ASGI server that it is not shipped with, to compare them.

Each needs its package, and uvloop (`pip install uvloop uvicorn wsproto hypercorn granian`). None of them keeps the
site's bounds.
"""

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from types import ModuleType
from typing import Any

import manage
from voiceproject.server import process
from voiceproject.server.process import MAX_MESSAGE_BYTES
from voiceproject.server.sessions import Sessions

Ready = Callable[[], None]
UVICORN = {"uvicorn-websockets": "websockets", "uvicorn-sansio": "websockets-sansio", "uvicorn-wsproto": "wsproto"}
NAMES = (*UVICORN, "hypercorn", "granian")


def serve_with(name: str) -> Callable[[socket.socket, Any, Ready, Sessions], None]:
    """Return a function that serves an application on a bound socket with the server of this name."""

    def serve(placeholder: socket.socket, application: Any, ready: Ready, sessions: Sessions, _: None = None) -> None:
        work = _UVICORN_OR[name](name, placeholder, application)
        uvloop = import_module("uvloop")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(work, ready, sessions))

    return serve


async def _run(work: Callable[[], Awaitable[None]], ready: Ready, sessions: Sessions) -> None:
    serving = asyncio.ensure_future(work())
    sessions.start()
    asyncio.get_running_loop().call_later(1.0, ready)
    await serving


def _build_uvicorn(name: str, listener: socket.socket, application: Any) -> Callable[[], Awaitable[None]]:
    uvicorn = import_module("uvicorn")
    config = uvicorn.Config(
        application,
        ws=UVICORN[name],
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
    )
    return lambda: uvicorn.Server(config).serve(sockets=[listener])


def _build_hypercorn(name: str, listener: socket.socket, application: Any) -> Callable[[], Awaitable[None]]:
    config = import_module("hypercorn.config").Config()
    listener.listen()
    config.bind = [f"fd://{listener.fileno()}"]
    config.websocket_max_message_size = MAX_MESSAGE_BYTES
    return lambda: import_module("hypercorn.asyncio").serve(application, config)


def _build_granian(name: str, listener: socket.socket, application: Any) -> Callable[[], Awaitable[None]]:
    host, port = listener.getsockname()[:2]
    listener.close()
    embed, constants = import_module("granian.server.embed"), import_module("granian.constants")
    server = embed.Server(
        application, address=host, port=port, interface=constants.Interfaces.ASGINL, log_enabled=False
    )
    return lambda: server.serve()


_UVICORN_OR = {**dict.fromkeys(UVICORN, _build_uvicorn), "hypercorn": _build_hypercorn, "granian": _build_granian}


def main() -> None:
    name = sys.argv.pop(1)
    server = ModuleType(name)
    server.serve = serve_with(name)  # type: ignore[attr-defined]
    process.load_server = lambda: server
    sys.argv[1:] = ["run"]
    manage.main()


if __name__ == "__main__":
    main()
