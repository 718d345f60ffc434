"""A real MCP server on a local port, in a thread of its own, that can die and come back."""

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from threading import Event, Thread
from typing import Any

import pytest
import uvicorn
from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

PIXEL = bytes.fromhex("89504e470d0a1a0a")


def make_server(received: Event) -> MCPServer:
    server = MCPServer("tests")
    counted = iter(range(1, 1_000))

    @server.tool(annotations=ToolAnnotations(title="Adds"))
    def add(a: int, b: int) -> str:
        """Adds two numbers."""
        return f"{a + b}"

    @server.tool()
    def count() -> str:
        """How often it was called."""
        return f"{next(counted)}"

    @server.tool(name="odd.name/v2", description="d" * 3_000)
    def odd() -> str:
        return "odd"

    @server.tool()
    def current_time() -> str:
        """Clashes with the site's."""
        return "long ago"

    @server.tool(structured_output=False)
    def picture() -> list[Any]:
        """Shows something."""
        return ["Look:", Image(data=PIXEL, format="png")]

    @server.tool()
    def facts() -> dict[str, int]:
        """Structured."""
        return {"legs": 4}

    @server.tool()
    def fail() -> str:
        """Fails."""
        raise ToolError("the cellar is flooded")

    @server.tool()
    async def hang() -> str:
        """Never answers."""
        received.set()
        await asyncio.Event().wait()
        return ""

    return server


class Server(uvicorn.Server):
    """A server that says when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.loop = asyncio.get_running_loop()
        self.is_up.set()


class McpHost:
    """A server that can die and come back.

    `key` is the Authorization header that it wants. With `is_old` it knows the handshake only and forgets its sessions.
    """

    def __init__(self, key: str = "", is_old: bool = False) -> None:
        self.key = key
        self.is_old = is_old
        self.received = Event()  # a call that will not be answered
        self.asked: list[str] = []  # methods, with the names of tools
        self.port = 0
        self._start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def die(self) -> None:
        """End at once, amid whatever is under way."""
        self._server.loop.call_soon_threadsafe(self._abort)
        self._thread.join()

    def come_back(self) -> None:
        """Start again on the same port."""
        self._start()

    def close(self) -> None:
        if self._thread.is_alive():
            self.die()

    def _start(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", self.port))
        self.port = self._socket.getsockname()[1]
        app = make_server(self.received).streamable_http_app()
        config = uvicorn.Config(self._guard(app), log_level="critical", ws="none", timeout_graceful_shutdown=1)
        self._server = Server(config)
        self._thread = Thread(target=self._server.run, args=([self._socket],), daemon=True)
        self._thread.start()
        self._server.is_up.wait()

    def _abort(self) -> None:
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        self._server.should_exit = self._server.force_exit = True

    def _guard(self, app: Callable[..., Any]) -> Callable[..., Any]:
        async def guard(scope: dict[str, Any], receive: Any, send: Any) -> Any:
            if scope["type"] != "http":
                return await app(scope, receive, send)
            if self.key and dict(scope["headers"]).get(b"authorization", b"").decode() != self.key:
                return await answer(send, 401, {"error": "invalid_token"})
            body = await read_body(receive)
            asked = json.loads(body) if body else {}
            name = (asked.get("params") or {}).get("name", "")
            self.asked.append(f"{asked.get('method', scope['method'])} {name}".strip())
            if self.is_old and asked.get("method") == "server/discover":
                error = {"code": -32601, "message": "Method not found"}
                return await answer(send, 404, {"jsonrpc": "2.0", "id": asked["id"], "error": error})
            return await app(scope, replay(body, receive), send)

        return guard


MakeHost = Callable[..., McpHost]


@pytest.fixture
def mcp_host() -> Iterator[MakeHost]:
    """`mcp_host(key=…, is_old=…)` starts a server."""
    hosts: list[McpHost] = []

    def make(**options: Any) -> McpHost:
        hosts.append(McpHost(**options))
        return hosts[-1]

    yield make
    for host in hosts:
        host.close()


async def read_body(receive: Any) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


def replay(body: bytes, receive: Any) -> Any:
    parts = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Any:
        return parts.pop() if parts else await receive()

    return receive_again


async def answer(send: Any, status: int, body: dict[str, Any]) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
