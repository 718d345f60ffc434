"""The client of a remote MCP server: Streamable HTTP, by the official SDK.

The SDK takes half a second to import, so this module is loaded late and in a thread (see `mcp_session`).
"""

import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import (
    CONNECTION_CLOSED,
    METHOD_NOT_FOUND,
    AudioContent,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)
from mcp_types import Tool as RemoteTool
from pydantic import ValidationError

from accounts.outbound.bounded_responses import PLAIN
from conversations.network.http import BoundedTransport, get_tls_context
from conversations.storage.mcp_servers import ServerSpec
from conversations.tools.base import Outcome

CONNECT_SEC = 5.0
# The SDK logs what it cannot parse, at any length. What is wrong is reported where the server was called.
logging.getLogger("mcp.client.streamable_http").setLevel(logging.CRITICAL)
MOST_PAGES = 10
MAX_ANSWER_BYTES = 4_000_000  # enough for a result with a picture in it
MAX_SAID = 300  # characters of a server's own message


class AuthorizationRefusedError(Exception):
    """The server refused our authorisation; the SDK would not tell this from other errors."""


@asynccontextmanager
async def connect(spec: ServerSpec, on_forgotten: Callable[[], None]) -> AsyncIterator[Client]:
    """Connect to a server; enter and leave the context in the same task.

    It raises the exceptions that `explain` knows, also in exception groups, and also when the connection is lost later.
    `on_forgotten` is called when the server no longer knows our session: then it has not done what was asked.
    """

    async def check(response: httpx2.Response) -> None:
        if response.status_code in (401, 403):
            raise AuthorizationRefusedError
        if response.status_code == 404 and "mcp-session-id" in response.request.headers:
            on_forgotten()

    headers = PLAIN | ({"Authorization": spec.authorization} if spec.authorization else {})
    http = httpx2.AsyncClient(
        transport=BoundedTransport(httpx2.AsyncHTTPTransport(verify=get_tls_context()), MAX_ANSWER_BYTES),
        headers=headers,
        # No limit for reading: calls have their own, and a stream that is only listened to may be silent for long.
        timeout=httpx2.Timeout(spec.timeout_sec, connect=min(CONNECT_SEC, spec.timeout_sec), read=None),
        event_hooks={"response": [check]},
    )
    async with http, Client(streamable_http_client(spec.url, http_client=http), cache=None) as client:
        yield client


async def list_tools(client: Client, spec: ServerSpec) -> list[RemoteTool]:
    """Return the tools of the server that `spec` allows."""
    found: list[RemoteTool] = []
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        found += page.tools
        if not (cursor := page.next_cursor):
            break
    return [tool for tool in found if not spec.allowed_tools or tool.name in spec.allowed_tools]


def convert_result(result: CallToolResult) -> Outcome:
    """Return the result of a call as text for the model."""
    text = "\n".join(_describe_part(part) for part in result.content)
    if not text and result.structured_content is not None:
        text = json.dumps(result.structured_content, ensure_ascii=False)
    return Outcome(error=text or "The tool failed and did not say why.") if result.is_error else Outcome(output=text)


def _describe_part(part: TextContent | ImageContent | AudioContent | ResourceLink | EmbeddedResource) -> str:
    match part:
        case TextContent(text=text):
            return text
        case ImageContent(mime_type=kind) | AudioContent(mime_type=kind):
            return f"({kind}, which cannot be shown here)"
        case ResourceLink():
            return f"{part.title or part.name}: {part.uri}"
        case EmbeddedResource(resource=TextResourceContents(text=text)):
            return text
    return f"({part.resource.mime_type or 'a file'}, which cannot be shown here)"


def is_connection_lost(error: MCPError) -> bool:
    """Return whether the connection ended during a call."""
    return error.code == CONNECTION_CLOSED


def format_error(error: MCPError) -> str:
    """Return the message of an error in one line, shortened. It is the server's, or the SDK's about a bad answer."""
    return " ".join(error.message[: 10 * MAX_SAID].split())[:MAX_SAID]


def explain(error: BaseException, spec: ServerSpec) -> str:
    """Return what went wrong, as a sentence that continues the server's name. Raise `error` if it is unknown."""
    match error:
        case BaseExceptionGroup():
            return explain(error.exceptions[0], spec)
        case AuthorizationRefusedError():
            return "refused the authorisation. Check that it is complete and still valid."
        case TimeoutError():
            return f"did not answer within {spec.timeout_sec:g} seconds."
        case MCPError(code=code) if code == METHOD_NOT_FOUND:
            return "was not found at this URL. Most end in /mcp."
        case MCPError():
            return f"answered with an error: {format_error(error)}"
        case httpx2.HTTPError() | httpx2.StreamError() | httpx2.InvalidURL():
            return "could not be reached. Check the URL, or try again later."
        case ValidationError():
            return "does not answer like an MCP server."
    raise error
