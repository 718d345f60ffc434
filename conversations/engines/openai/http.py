"""The HTTP connections to OpenAI and compatible servers, shared by all sessions of an event loop.

Redirects are not followed: they could lead into the private network. Where a user typed the base URL the server may be
hostile: only public addresses are called then, and answers are bounded.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import cast
from weakref import WeakKeyDictionary

import httpx2

from accounts.public_addresses import AsyncPublicOnlyTransport

MAX_ANSWER_BYTES = 64_000_000  # twenty minutes of speech
# People think between two turns, and a new TLS connection costs a tenth of a second.
LIMITS = httpx2.Limits(max_connections=1000, max_keepalive_connections=1000, keepalive_expiry=60.0)
WARM_SEC = 45.0  # below `keepalive_expiry`
WARM_TIMEOUT_SEC = 5.0
MAX_WARM = 1_000  # servers remembered; the oldest is forgotten

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[bool, httpx2.AsyncClient]] = WeakKeyDictionary()
_warmed_at: WeakKeyDictionary[httpx2.AsyncClient, dict[tuple[str, str], float]] = WeakKeyDictionary()


def shared_client(public_only: bool = False) -> httpx2.AsyncClient:
    """The running loop's client, for all keys: connections carry no credential of their own, and no cookie."""
    clients = _clients.setdefault(asyncio.get_running_loop(), {})
    if public_only not in clients:
        clients[public_only] = _guarded_client() if public_only else _client()
    return clients[public_only]


async def keep_warm(url: str, lane: str, public_only: bool) -> None:
    """Opens a connection to `url`'s server, unless this did so lately for that lane. Errors are left to real requests.

    A HEAD without a key costs nothing, and whatever it is answered, the connection stays. One a lane, for all sessions
    of the process: busy ones open as many as they use, and those stay by themselves.
    """
    client, now = shared_client(public_only), asyncio.get_running_loop().time()
    warmed = _warmed_at.setdefault(client, {})
    if now - warmed.get((url, lane), -WARM_SEC) < WARM_SEC:
        return
    warmed[url, lane] = now  # at once: other sessions come here meanwhile
    if len(warmed) > MAX_WARM:
        del warmed[next(iter(warmed))]
    with suppress(httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, ValueError):
        await client.head(url, timeout=WARM_TIMEOUT_SEC)


async def close_clients() -> None:
    """Closes the running loop's connections, at the end of a process or a test."""
    for client in _clients.pop(asyncio.get_running_loop(), {}).values():
        await client.aclose()


@cache
def tls_context() -> ssl.SSLContext:
    """Reads the certificates, which takes a tenth of a second: `warm` does it in a thread."""
    return httpx2.create_ssl_context()


def _client() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(verify=tls_context(), limits=LIMITS, cookies=_no_cookies())


def _guarded_client() -> httpx2.AsyncClient:
    transport = BoundedTransport(AsyncPublicOnlyTransport(verify=tls_context(), limits=LIMITS))
    return httpx2.AsyncClient(transport=transport, headers={"Accept-Encoding": "identity"}, cookies=_no_cookies())


def _no_cookies() -> CookieJar:
    """A server could know one user's account by its cookie, and the client would send it with another user's key."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


class BoundedTransport(httpx2.AsyncBaseTransport):
    """Raises httpx2.ReadError for an answer beyond MAX_ANSWER_BYTES, or a packed one."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        response.stream = BoundedStream(cast(httpx2.AsyncByteStream, response.stream))
        # It could unfold to a thousand times what is counted.
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise httpx2.ReadError("a packed answer, which was not asked for", request=request)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = 0
        async for piece in self._inner:
            received += len(piece)
            if received > MAX_ANSWER_BYTES:
                raise httpx2.ReadError(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()
