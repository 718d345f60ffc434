"""What an emulated Realtime session sends, and how its connection misbehaves."""

import asyncio
import itertools
import json
from typing import Any

from aiohttp import web


class Connection:
    """The sending side of a socket. `is_cut` is set once the connection must end without a goodbye."""

    def __init__(self, socket: web.WebSocketResponse, name: str) -> None:
        self._socket, self._name = socket, name
        self._ids = itertools.count(1)
        self._outgoing: asyncio.Queue[str] = asyncio.Queue()
        self.is_cut = asyncio.Event()

    def make_id(self, prefix: str) -> str:
        return f"{prefix}_{self._name}u{next(self._ids)}"

    def send(self, kind: str, **fields: Any) -> None:
        self._outgoing.put_nowait(json.dumps({"type": kind, "event_id": self.make_id("event"), **fields}))

    async def run(self) -> None:
        while True:
            frame = await self._outgoing.get()
            try:
                await self._socket.send_str(frame)
            except ConnectionError:
                pass  # what it still had to say has nobody to hear it
            finally:
                self._outgoing.task_done()

    async def misbehave(self, fault: str) -> None:
        error = {"type": "server_error", "code": None, "message": "The server had an error."}
        match fault:
            case "hang":
                await asyncio.Event().wait()
            case "garbage":
                self._outgoing.put_nowait("{not json")
            case "error_event":
                self.send("error", error=error | {"param": None, "event_id": None})
            case "session_expired":
                message = "Your session hit the maximum duration of 60 minutes."
                error = {"type": "invalid_request_error", "code": fault, "message": message}
                self.send("error", error=error | {"param": None, "event_id": None})
        if fault in ("session_expired", "cut"):
            await self._outgoing.join()
            self.is_cut.set()
