"""A session's access to OpenAI or a compatible server: the SDK's client, and its exceptions as ours."""

import asyncio
from functools import cached_property
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httpx2
from openai import (
    APIConnectionError,
    APIError,
    APIStatusError,
    AsyncOpenAI,
    AuthenticationError,
    NotFoundError,
    OpenAIError,
    PermissionDeniedError,
    RateLimitError,
)

from accounts.public_addresses import AsyncPublicOnlyTransport
from conversations.engines.base import EngineError, EngineSpec, Kind
from conversations.engines.failures import Failures

OPENAI_URL = "https://api.openai.com/v1"
CONNECT_SEC = 5.0
# People think between two turns, and a new TLS connection costs a tenth of a second.
KEPT_CONNECTIONS = httpx2.Limits(max_connections=1000, max_keepalive_connections=1000, keepalive_expiry=60.0)

SDK_ERRORS = (OpenAIError, httpx2.HTTPError, httpx2.StreamError, ValueError)
"""ValueError: the SDK lets malformed JSON through as it is."""

_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[bool, httpx2.AsyncClient]] = WeakKeyDictionary()


class Account:
    """One engine's account. The connections below are shared by all sessions of the event loop."""

    def __init__(self, kind: Kind, spec: EngineSpec) -> None:
        self._spec = spec
        self.is_own = not spec.base_url or urlsplit(spec.base_url).hostname == urlsplit(OPENAI_URL).hostname
        name = "OpenAI" if self.is_own else "OpenAI-compatible server"
        self.failures = Failures(kind, spec.provider, name, spec.api_key)

    @cached_property
    def client(self) -> AsyncOpenAI:
        """Needs the running event loop. It does not retry: `supervision` does, and sees how much time is left."""
        client = AsyncOpenAI(
            api_key=self._spec.api_key or "none",
            base_url=self._spec.base_url or OPENAI_URL,
            max_retries=0,
            timeout=httpx2.Timeout(self._spec.timeout_sec, connect=min(CONNECT_SEC, self._spec.timeout_sec)),
            http_client=shared_http(self._spec.public_only),
        )
        client.organization = client.project = None  # the SDK takes them from the environment; the key may be a user's
        return client

    def explain(self, error: Exception) -> EngineError:
        """The SDK's exception as an EngineError."""
        match error:
            case AuthenticationError():
                return self.failures.auth()
            case PermissionDeniedError():
                return self.failures.auth(_said(error))
            case RateLimitError(code="insufficient_quota") | APIError(code="insufficient_quota"):
                return self.failures.quota()
            case RateLimitError() | APIError(code="rate_limit_exceeded"):
                return self.failures.busy()
            case APIStatusError(status_code=status) if status >= 500 or status == 408:
                return self.failures.trouble(f"error {status}")
            case NotFoundError() if not _said(error):
                return self.failures.not_found()
            case APIStatusError():
                return self.failures.rejected(_said(error))
        return self._explain_transport(error)

    def _explain_transport(self, error: Exception) -> EngineError:
        cause = error.__cause__ if isinstance(error, APIConnectionError) else error
        match cause:
            case httpx2.ConnectError() | httpx2.ConnectTimeout() | httpx2.PoolTimeout() | httpx2.UnsupportedProtocol():
                return self.failures.unreachable()
            case httpx2.TimeoutException():
                return self.failures.timeout(self._spec.timeout_sec)
            case ValueError():
                return self.failures.garbage("what was asked for")
            case APIError():  # an error event within a stream
                return self.failures.trouble(cause.code or cause.type or "no reason given")
        return self.failures.broke_off()


def _said(error: APIError) -> str:
    """The provider's own words, where its error has the shape of OpenAI's."""
    said = error.body.get("message") if isinstance(error.body, dict) else None
    return said if isinstance(said, str) else ""


def shared_http(public_only: bool = False) -> httpx2.AsyncClient:
    """The event loop's HTTP client: one pool of connections, and one TLS context, for all sessions and keys.

    It follows no redirects: they could lead a user's base URL into the private network.
    """
    clients = _shared.setdefault(asyncio.get_running_loop(), {})
    if public_only not in clients:
        clients[public_only] = _public_only_http() if public_only else httpx2.AsyncClient(limits=KEPT_CONNECTIONS)
    return clients[public_only]


async def close_http() -> None:
    """Closes the running loop's connections, at the end of a process or a test."""
    for client in _shared.pop(asyncio.get_running_loop(), {}).values():
        await client.aclose()


def _public_only_http() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=AsyncPublicOnlyTransport(limits=KEPT_CONNECTIONS))
