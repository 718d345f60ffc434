"""A session's access to OpenAI or a compatible server: the SDK's client, and its exceptions as ours."""

from functools import cached_property

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
from conversations.engines.openai.http import shared_client

OPENAI_URL = "https://api.openai.com/v1"
CONNECT_SEC = 5.0

SDK_ERRORS = (OpenAIError, httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, ValueError)
"""ValueError: the SDK lets malformed JSON through as it is."""


class Account:
    """One engine's account. Its connections are shared with all others."""

    def __init__(self, kind: Kind, spec: EngineSpec) -> None:
        self._spec = spec
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
