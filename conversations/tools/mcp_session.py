"""The connection of one session to one MCP server, made in the background, and again after it was lost."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from conversations.network.http import get_tls_context
from conversations.storage.mcp_servers import ServerSpec
from conversations.tools.base import Outcome, ToolError

if TYPE_CHECKING:
    from mcp import Client
    from mcp_types import Tool as RemoteTool

Announce = Callable[["McpSession", Sequence["RemoteTool"]], None]
log = logging.getLogger(__name__)

CLOSE_SEC = 2.0


class Connection:
    """One connection. `task` holds it open: the SDK must be entered and left in the same task."""

    task: asyncio.Task[None]

    def __init__(self) -> None:
        self.client: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self.client.add_done_callback(lambda done: done.exception())  # nobody may ask for the exception
        self.is_forgotten = False  # the server was restarted, and does not know this connection
        self.is_lost = False

    @property
    def is_over(self) -> bool:
        """Return whether the next call needs a new connection."""
        return self.is_lost or self.is_forgotten or self.task.done()

    def forget(self) -> None:
        """Note that the server does not know this connection any more."""
        self.is_forgotten = True

    def fail(self, message: str) -> None:
        """Let those who wait for the client know that there will be none."""
        if not self.client.done():
            self.client.set_exception(NotConnectedError(message))


class McpSession:
    """One MCP server in one session.

    `announce` is called with the server's tools whenever it has connected. Its tasks belong to `group`, and end with
    `close`.
    """

    def __init__(self, spec: ServerSpec, group: asyncio.TaskGroup, announce: Announce) -> None:
        self.spec = spec
        self._group = group
        self._announce = announce
        self._over = asyncio.Event()
        self._connection = self._connect()

    @property
    def is_awaited(self) -> bool:
        """Return whether the first answer of the present connection is still awaited."""
        return not self._connection.client.done()

    @property
    def has_failed(self) -> bool:
        """Return whether the server could not be reached, or was lost and cannot be reached again."""
        client = self._connection.client
        return client.done() and client.exception() is not None

    async def settle(self) -> None:
        """Wait until the server's tools are known, or it is known that there are none for now."""
        await asyncio.wait([self._connection.client])

    async def call(self, name: str, arguments: dict[str, Any]) -> Outcome:
        """Call a tool, or raise ToolError. A call that was under way when the connection broke is not repeated."""
        try:
            return await self._call(name, arguments)
        except ForgottenError:
            return await self._call(name, arguments)

    async def close(self) -> None:
        """Close the connection. The server is told, but not waited for for long."""
        self._over.set()
        if self._connection.client.done():
            await asyncio.wait([self._connection.task], timeout=CLOSE_SEC)
        self._connection.task.cancel()

    async def _call(self, name: str, arguments: dict[str, Any]) -> Outcome:
        if self._connection.is_over and not self._over.is_set():
            self._connection.task.cancel()
            self._connection = self._connect()
        connection = self._connection
        try:
            client = await asyncio.shield(connection.client)  # other calls may wait for it too
        except NotConnectedError as error:
            raise ToolError(str(error)) from None
        sdk = import_module("conversations.tools.mcp_client")
        try:
            outcome: Outcome = sdk.convert_result(await client.call_tool(name, arguments))
        except sdk.MCPError as error:
            raise self._build_failure(connection, sdk.is_connection_lost(error), sdk.format_error(error)) from None
        return outcome

    def _build_failure(self, connection: Connection, is_lost: bool, message: str) -> "ToolError | ForgottenError":
        connection.is_lost = is_lost
        if connection.is_forgotten:
            return ForgottenError()
        if is_lost:
            return ToolError(f"{self.spec.label} was lost during this call. Whether it was carried out is not known.")
        return ToolError(f"{self.spec.label}: {message}")

    def _connect(self) -> Connection:
        connection = Connection()
        connection.task = self._group.create_task(self._hold_open(connection))
        connection.task.add_done_callback(lambda done: connection.fail(f"{self.spec.label} is not connected any more."))
        return connection

    async def _hold_open(self, connection: Connection) -> None:
        """Connect, and hold the connection until it or the session ends."""
        sdk = await asyncio.to_thread(_load_sdk)
        try:
            async with asyncio.timeout(self.spec.timeout_sec) as limit:
                async with sdk.connect(self.spec, connection.forget) as client:
                    self._announce(self, await sdk.list_tools(client, self.spec))
                    limit.reschedule(None)
                    connection.client.set_result(client)
                    await self._over.wait()
        except Exception as error:  # the session goes on without this server, whatever is wrong
            message = self._explain(error, sdk)
            log.warning("the MCP server %s", message)
            connection.fail(message)

    def _explain(self, error: Exception, sdk: Any) -> str:
        try:
            return f"{self.spec.label} {sdk.explain(error, self.spec)}"
        except Exception:
            log.exception("the MCP server %s", self.spec.label)
            return f"{self.spec.label} could not be used; the server's log says why."


def _load_sdk() -> Any:
    get_tls_context()
    return import_module("conversations.tools.mcp_client")


class NotConnectedError(Exception):
    """There is no connection to the server. The message is for the model, and for the log."""


class ForgottenError(Exception):
    """The server was restarted and does not know our session, so it has not done what was asked."""
