"""A client of the extension `resume`: it counts what it sends, knows what it has, and comes back after a lost line."""

import asyncio
import base64
import copy
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed

from tests.support.live import Site
from tests.support.patience import PATIENCE_SEC, stretch
from tests.support.realtime import wire
from tests.support.sockets import build_authorization
from tests.upstream.fixtures import Upstream

EXTENSIONS = ["playback", "resume"]
NOT_RESUMABLE = ("session_not_resumable", 1008)
WORDS = "This is a sentence that goes on. "
OWN = ("session.resumption", "session.resumed", "session.ending", "session.pong")


class ResumingClient:
    """`events` are those of all connections, in order, but for the extension's own, which are in `told`."""

    def __init__(self, ws_url: str, key: str) -> None:
        self._url, self._headers = f"{ws_url}/v1/realtime", build_authorization(key)
        self.socket: ClientConnection
        self.events: list[dict[str, Any]] = []
        self.told: list[dict[str, Any]] = []
        self.sent: list[str | bytes] = []
        self.last_event_id = ""

    def go_to(self, site: Site) -> None:
        """Reach another process of the site from now on."""
        self._url = f"{site.ws_url}/v1/realtime"

    async def change_to(self, site: Site) -> None:
        """Lose the connection, and come back to the session by way of another process."""
        self.cut()
        self.go_to(site)
        await self.resume()

    async def begin(self, **query: str) -> None:
        """Connect, and ask for the extension."""
        await self._open(query)
        session = {"type": "realtime", "extensions": EXTENSIONS}
        await self.send({"type": "session.update", "session": session})
        await self.wait_for("session.resumption")

    async def resume(self, **query: str) -> dict[str, Any]:
        """Connect again, and send what has not arrived. Return the first event."""
        await self._open({"resume": self.token, "after": self.last_event_id, **query})
        async with asyncio.timeout(stretch()):
            first = await self.receive_next()
        if first["type"] == "session.resumed":
            for frame in self.sent[first["received_frames"] :]:
                await self.socket.send(frame)
        elif first["type"] == "session.created":
            self.events, self.sent = [first], []
        return first

    async def _open(self, query: dict[str, str]) -> None:
        address = "&".join(f"{name}={value}" for name, value in query.items())
        self.socket = await open_socket(f"{self._url}?{address}", additional_headers=self._headers, max_queue=None)

    def make_twin(self, site: Site) -> "ResumingClient":
        """Return another client that knows the same, and reaches this process of the site."""
        twin = copy.copy(self)
        twin.go_to(site)
        twin.events, twin.told, twin.sent = list(self.events), list(self.told), list(self.sent)
        return twin

    @property
    def token(self) -> str:
        """What the client was told to come back with."""
        return str(next(event for event in self.told if event["type"] == "session.resumption")["token"])

    @property
    def conversation_id(self) -> str:
        created = next(event for event in self.events if event["type"] == "conversation.created")
        return str(created["conversation"]["id"])

    def cut(self) -> None:
        """Lose the connection without a goodbye."""
        self.socket.transport.abort()

    async def send(self, event: dict[str, Any]) -> None:
        """Send an event, or keep it for later if the connection is lost."""
        await self.send_frame(json.dumps(event))

    async def send_frame(self, frame: str | bytes) -> None:
        self.sent.append(frame)
        with suppress(ConnectionClosed):
            await self.socket.send(frame)

    async def type(self, text: str) -> None:
        part = {"type": "input_text", "text": text}
        item = {"type": "message", "role": "user", "content": [part]}
        await self.send({"type": "conversation.item.create", "item": item})
        await self.send({"type": "response.create"})

    async def receive_next(self) -> dict[str, Any]:
        raw = await self.socket.recv()
        event: dict[str, Any] = json.loads(raw)
        if event["type"] in OWN:
            self.told.append(event)
        else:
            wire.check_event(event, str(raw))
            self.events.append(event)
            wire.check_order(self.events)
        self.last_event_id = event["event_id"]
        return event

    async def wait_for(self, kind: str, patience_sec: float = PATIENCE_SEC) -> dict[str, Any]:
        async with asyncio.timeout(stretch(patience_sec)):
            while (event := await self.receive_next())["type"] != kind:
                pass
        return event

    async def receive_ending(self) -> tuple[str, int]:
        """Return the code of the last error, "" if there was none, and the close code."""
        with pytest.raises(ConnectionClosed) as closed:
            await self.wait_for("never")
        assert closed.value.rcvd is not None
        errors = [event["error"]["code"] for event in self.events if event["type"] == "error"]
        return errors[-1] if errors else "", closed.value.rcvd.code

    def collect(self, kind: str) -> list[str]:
        """Return the deltas of all events of a type."""
        return [event["delta"] for event in self.events if event["type"] == kind]

    def collect_audio(self) -> bytes:
        return b"".join(map(base64.b64decode, self.collect("response.output_audio.delta")))


@asynccontextmanager
async def resuming_client(ws_url: str, key: str, **query: str) -> AsyncIterator[ResumingClient]:
    client = ResumingClient(ws_url, key)
    await client.begin(**query)
    try:
        yield client
    finally:
        await client.socket.close()


async def ask_for_a_long_reply(client: ResumingClient, upstream: Upstream, sentences: int = 5) -> str:
    """Ask for it, and return it once its first sound has come."""
    upstream.behave("chat", piece_ms=20)
    upstream.script(replies=(WORDS * sentences,))
    await client.type("Go on.")
    await client.wait_for("response.output_audio.delta")
    return WORDS * sentences
