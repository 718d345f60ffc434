"""HTTP connections to servers of others: those of engines are shared by all sessions of an event loop.

Redirects are not followed: they could lead into the private network. Answers are bounded. Where a user typed the base
URL only public addresses are called.
"""

import asyncio
import ssl
from contextlib import suppress
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from weakref import WeakKeyDictionary

import httpx2

from accounts.outbound.bounded_answers import PLAIN, bound_answer
from accounts.outbound.public_addresses import AsyncPublicOnlyTransport

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
    transport = BoundedHTTPTransport(verify=tls_context(), limits=LIMITS)
    return httpx2.AsyncClient(transport=transport, headers=PLAIN, cookies=_no_cookies())


def _guarded_client() -> httpx2.AsyncClient:
    transport = BoundedTransport(AsyncPublicOnlyTransport(verify=tls_context(), limits=LIMITS))
    return httpx2.AsyncClient(transport=transport, headers=PLAIN, cookies=_no_cookies())


def _no_cookies() -> CookieJar:
    """A server could know one user's account by its cookie, and the client would send it with another user's key."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


class BoundedHTTPTransport(httpx2.AsyncHTTPTransport):
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await bound_answer(await super().handle_async_request(request), MAX_ANSWER_BYTES)


class BoundedTransport(httpx2.AsyncBaseTransport):
    """`inner`, with its answers `bounded`."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, max_bytes: int | None = None) -> None:
        self._inner = inner
        self._max_bytes = max_bytes

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await bound_answer(await self._inner.handle_async_request(request), self._max_bytes or MAX_ANSWER_BYTES)

    async def aclose(self) -> None:
        await self._inner.aclose()
