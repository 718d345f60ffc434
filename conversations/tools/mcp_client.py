"""A connection to a remote MCP server: Streamable HTTP, by the official SDK, which takes half a second to import."""

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

from accounts.outbound.bounded_answers import PLAIN
from conversations.network.http import BoundedTransport, tls_context
from conversations.storage.mcp_servers import ServerSpec
from conversations.tools.base import Outcome

CONNECT_SEC = 5.0
# It writes what it cannot read into the log, at any length. What is wrong is told where the server was asked.
logging.getLogger("mcp.client.streamable_http").setLevel(logging.CRITICAL)
MOST_PAGES = 10
MAX_ANSWER_BYTES = 4_000_000  # of a call with a picture in it
MAX_SAID = 300  # characters of a server's own words in a verdict


class AuthorizationRefusedError(Exception):
    """The SDK would make an error like any other of it."""


@asynccontextmanager
async def connected(spec: ServerSpec, on_forgotten: Callable[[], None]) -> AsyncIterator[Client]:
    """Enter and leave it in one task. Raises what `explain` knows, in groups too, also when the server is lost.

    `on_forgotten`: it does not know our session any more, and what was asked in it was not done.
    """

    async def check(response: httpx2.Response) -> None:
        if response.status_code in (401, 403):
            raise AuthorizationRefusedError
        if response.status_code == 404 and "mcp-session-id" in response.request.headers:
            on_forgotten()

    headers = PLAIN | ({"Authorization": spec.authorization} if spec.authorization else {})
    http = httpx2.AsyncClient(
        transport=BoundedTransport(httpx2.AsyncHTTPTransport(verify=tls_context()), MAX_ANSWER_BYTES),
        headers=headers,
        # Calls have their time limit where they are made; a stream that is only listened to may be silent.
        timeout=httpx2.Timeout(spec.timeout_sec, connect=min(CONNECT_SEC, spec.timeout_sec), read=None),
        event_hooks={"response": [check]},
    )
    async with http, Client(streamable_http_client(spec.url, http_client=http), cache=None) as client:
        yield client


async def list_tools(client: Client, spec: ServerSpec) -> list[RemoteTool]:
    """Those that are allowed."""
    found: list[RemoteTool] = []
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        found += page.tools
        if not (cursor := page.next_cursor):
            break
    return [tool for tool in found if not spec.allowed_tools or tool.name in spec.allowed_tools]


def as_outcome(result: CallToolResult) -> Outcome:
    said = "\n".join(_text(part) for part in result.content)
    if not said and result.structured_content is not None:
        said = json.dumps(result.structured_content, ensure_ascii=False)
    return Outcome(error=said or "The tool failed and did not say why.") if result.is_error else Outcome(output=said)


def _text(part: TextContent | ImageContent | AudioContent | ResourceLink | EmbeddedResource) -> str:
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


def was_lost(error: MCPError) -> bool:
    """Whether the connection ended amid a call."""
    return error.code == CONNECTION_CLOSED


def said(error: MCPError) -> str:
    """A server's own words, or the SDK's about an answer that is none: these quote it."""
    return " ".join(error.message[: 10 * MAX_SAID].split())[:MAX_SAID]


def explain(error: BaseException, spec: ServerSpec) -> str:
    """What went wrong, to go on from the server's name. Raises what it does not know."""
    match error:
        case BaseExceptionGroup():
            return explain(error.exceptions[0], spec)
        case AuthorizationRefusedError():
            return "refused the authorisation. Check that it is whole and still valid."
        case TimeoutError():
            return f"did not answer within {spec.timeout_sec:g} seconds."
        case MCPError(code=code) if code == METHOD_NOT_FOUND:
            return "was not found at this URL. Most end in /mcp."
        case MCPError():
            return f"answered with an error: {said(error)}"
        case httpx2.HTTPError() | httpx2.StreamError() | httpx2.InvalidURL():
            return "could not be reached. Check the URL, or try again later."
        case ValidationError():
            return "does not answer like an MCP server."
    raise error
