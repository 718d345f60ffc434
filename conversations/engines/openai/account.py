"""A session's access to OpenAI or a compatible server: the SDK's client, and its exceptions as ours."""

from functools import cached_property
from typing import Any

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

from conversations.engines.base import EngineError, EngineSpec, Kind
from conversations.engines.failures import Failures
from conversations.engines.openai.http import keep_warm, shared_client

OPENAI_URL = "https://api.openai.com/v1"
CONNECT_SEC = 5.0

SDK_ERRORS = (OpenAIError, httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, ValueError)
"""ValueError: the SDK lets malformed JSON through as it is."""


class Account:
    """One engine's account. Its connections are shared with all others."""

    def __init__(self, kind: Kind, spec: EngineSpec) -> None:
        self._spec = spec
        self.public_only = spec.public_only
        self.is_own = not spec.base_url or f"{spec.base_url}/".startswith(f"{OPENAI_URL}/")
        name = "OpenAI" if self.is_own else "OpenAI-compatible server"
        self.failures = Failures(kind, spec.provider, name, spec.api_key)

    @cached_property
    def client(self) -> AsyncOpenAI:
        """Needs the running event loop. It does not retry: `supervision` does, and sees how much time is left."""
        self.failures.check_key()
        client = AsyncOpenAI(
            api_key=self._spec.api_key or "none",
            base_url=self._spec.base_url or OPENAI_URL,
            max_retries=0,
            timeout=httpx2.Timeout(self._spec.timeout_sec, connect=min(CONNECT_SEC, self._spec.timeout_sec)),
            http_client=shared_client(self._spec.public_only),
        )
        client.organization = client.project = None  # the SDK takes them from the environment; the key may be a user's
        return client

    async def connect(self) -> None:
        """Opens a connection for the next request, where none was used lately. Never raises."""
        # Speech overlaps with the reply that it speaks, so it needs a connection of its own.
        lane = "sound" if self.failures.kind == "tts" else "words"
        await keep_warm(f"{self._spec.base_url or OPENAI_URL}/models", lane, self._spec.public_only)

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

    def explain_refusal(self, status: int, body: bytes) -> EngineError:
        """A WebSocket's handshake that was answered otherwise."""
        request = httpx2.Request("GET", str(self.client.base_url))
        response = httpx2.Response(status, content=body, request=request)
        return self.explain(self.client._make_status_error_from_response(response))

    def explain_event(self, error: Any) -> EngineError:
        """The `error` of an event that came over a WebSocket."""
        said = error if isinstance(error, dict) else {}
        kind, code, message = (str(said.get(name) or "") for name in ("type", "code", "message"))
        if "invalid_api_key" in (code, kind) or kind == "authentication_error":
            return self.failures.auth()
        if "insufficient_quota" in (code, kind):
            return self.failures.quota()
        if "rate_limit_exceeded" in (code, kind):
            return self.failures.busy()
        if kind == "invalid_request_error":
            return self.failures.rejected(message)
        return self.failures.trouble(code or kind or "no reason given")

    def _explain_transport(self, error: Exception) -> EngineError:
        cause = error.__cause__ if isinstance(error, APIConnectionError) else error
        match cause:
            case httpx2.ConnectError() | httpx2.ConnectTimeout() | httpx2.PoolTimeout() | httpx2.UnsupportedProtocol():
                return self.failures.unreachable()
            case httpx2.InvalidURL():
                return self.failures.not_found()
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
