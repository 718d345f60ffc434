"""HTTP connections to servers of others: those of engines are shared by all sessions of an event loop.

Redirects are not followed, since they could lead into the private network. Answers are bounded in size. Where a user
typed the base URL, only public addresses are called.
"""

import asyncio
import ssl
from contextlib import suppress
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from weakref import WeakKeyDictionary

import httpx2

from accounts.outbound.bounded_responses import PLAIN, bound_answer
from accounts.outbound.public_addresses import AsyncPublicOnlyTransport

MAX_ANSWER_BYTES = 64_000_000  # twenty minutes of speech
# Connections outlive the time that people think between two turns: a new one over TLS costs a tenth of a second.
LIMITS = httpx2.Limits(max_connections=1000, max_keepalive_connections=1000, keepalive_expiry=60.0)
WARM_SEC = 45.0  # below `keepalive_expiry`
WARM_TIMEOUT_SEC = 5.0
MAX_WARM = 1_000  # servers that are remembered; beyond, the oldest is forgotten

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[bool, httpx2.AsyncClient]] = WeakKeyDictionary()
_warmed_at: WeakKeyDictionary[httpx2.AsyncClient, dict[tuple[str, str], float]] = WeakKeyDictionary()


def get_shared_client(public_only: bool = False) -> httpx2.AsyncClient:
    """Return the client of the running event loop. All keys share it: a connection carries neither key nor cookie."""
    clients = _clients.setdefault(asyncio.get_running_loop(), {})
    if public_only not in clients:
        clients[public_only] = _build_guarded_client() if public_only else _build_client()
    return clients[public_only]


async def keep_warm(url: str, lane: str, public_only: bool) -> None:
    """Open a connection to the server of `url`, unless that was done lately for this `lane`. It never raises.

    A HEAD request without a key costs nothing, and whatever the answer, the connection stays open. There is one for
    each lane (requests that overlap have different lanes) and process: busy processes open more by using them.
    """
    client, now = get_shared_client(public_only), asyncio.get_running_loop().time()
    warmed = _warmed_at.setdefault(client, {})
    if now - warmed.get((url, lane), -WARM_SEC) < WARM_SEC:
        return
    warmed[url, lane] = now  # at once: other sessions come here meanwhile
    if len(warmed) > MAX_WARM:
        del warmed[next(iter(warmed))]
    with suppress(httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, ValueError):
        await client.head(url, timeout=WARM_TIMEOUT_SEC)


async def close_clients() -> None:
    """Close the connections of the running event loop, at the end of a process or a test."""
    for client in _clients.pop(asyncio.get_running_loop(), {}).values():
        await client.aclose()


@cache
def get_tls_context() -> ssl.SSLContext:
    """Return the TLS context. Reading the certificates takes a tenth of a second, so `warm` does it in a thread."""
    return httpx2.create_ssl_context()


def _build_client() -> httpx2.AsyncClient:
    transport = BoundedHTTPTransport(verify=get_tls_context(), limits=LIMITS)
    return httpx2.AsyncClient(transport=transport, headers=PLAIN, cookies=_build_empty_cookie_jar())


def _build_guarded_client() -> httpx2.AsyncClient:
    transport = BoundedTransport(AsyncPublicOnlyTransport(verify=get_tls_context(), limits=LIMITS))
    return httpx2.AsyncClient(transport=transport, headers=PLAIN, cookies=_build_empty_cookie_jar())


def _build_empty_cookie_jar() -> CookieJar:
    """Return a jar that takes no cookie: one of one user's account would be sent with another user's key."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


class BoundedHTTPTransport(httpx2.AsyncHTTPTransport):
    """HTTP whose answers may hold MAX_ANSWER_BYTES at most, and may not be packed."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await bound_answer(await super().handle_async_request(request), MAX_ANSWER_BYTES)


class BoundedTransport(httpx2.AsyncBaseTransport):
    """Another transport whose answers may hold `max_bytes` at most (MAX_ANSWER_BYTES by default)."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, max_bytes: int | None = None) -> None:
        self._inner = inner
        self._max_bytes = max_bytes

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await bound_answer(await self._inner.handle_async_request(request), self._max_bytes or MAX_ANSWER_BYTES)

    async def aclose(self) -> None:
        await self._inner.aclose()
