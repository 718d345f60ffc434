"""An engine's access to OpenAI or a compatible server: the SDK's client, and its exceptions as EngineErrors."""

from collections.abc import Mapping
from functools import cached_property

import httpx2
from openai import APIConnectionError, APIStatusError, AsyncOpenAI, Omit, OpenAIError

from accounts.outbound.bounded_responses import UnfitAnswerError, parse_json
from accounts.provider_keys.credentials import OPENAI_URL
from conversations.engines.base import EngineSpec
from conversations.engines.engine_kinds import EngineKind
from conversations.engines.errors import EngineError, EngineErrors
from conversations.engines.openai import provider_errors
from conversations.engines.openai.provider_errors import ErrorReport
from conversations.network.http import get_shared_client, keep_warm

CONNECT_SEC = 5.0

SDK_ERRORS = (OpenAIError, httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, ValueError)
"""What a request may raise. ValueError comes of answers that are not valid JSON or no valid stream."""


class Account:
    """The account of one engine. Connections are shared with all other accounts."""

    def __init__(self, kind: EngineKind, spec: EngineSpec) -> None:
        self._spec = spec
        self.public_only = spec.public_only
        self.is_own = not spec.base_url or f"{spec.base_url}/".startswith(f"{OPENAI_URL}/")
        compatible = "a server on this machine" if spec.provider == "local" else "OpenAI-compatible server"
        name = "OpenAI" if self.is_own else compatible
        # A server of this machine gets no key, not even the word that stands for none.
        self.extra_headers: dict[str, Omit] = {"Authorization": Omit()} if spec.provider == "local" else {}
        self.errors = EngineErrors(kind, spec.provider, name, spec.api_key, spec.model)

    @cached_property
    def client(self) -> AsyncOpenAI:
        """Return the SDK's client, or raise EngineAuthError. It needs a running event loop.

        It does not retry: `retries` does, since that knows how much time is left.
        """
        self.errors.check_key()
        client = AsyncOpenAI(
            api_key=self._spec.api_key or "none",
            base_url=self._spec.base_url or OPENAI_URL,
            max_retries=0,
            timeout=httpx2.Timeout(self._spec.timeout_sec, connect=min(CONNECT_SEC, self._spec.timeout_sec)),
            http_client=get_shared_client(self._spec.public_only),
        )
        client.organization = client.project = (
            None  # the SDK reads them from the environment, but the key may be a user's
        )
        return client

    async def connect(self) -> None:
        """Open a connection for the next request, unless one was used lately. It never raises."""
        # Speech is requested while the reply is still streaming, so it needs a connection of its own.
        lane = "sound" if self.errors.kind == "tts" else "words"
        await keep_warm(f"{self._spec.base_url or OPENAI_URL}/models", lane, self._spec.public_only)

    def explain(self, error: Exception) -> EngineError:
        """Return an exception of the SDK as an EngineError."""
        if not isinstance(error, APIStatusError):
            return self._explain_transport(error)
        said = provider_errors.parse_error(error.body if isinstance(error.body, dict | list) else None)
        return self._explain(said, error.status_code, provider_errors.parse_retry_after_sec(error.response.headers))

    def explain_refusal(self, status: int, body: bytes, headers: Mapping[str, str]) -> EngineError:
        """Return the EngineError for a WebSocket handshake that was answered with an HTTP error."""
        try:
            said = provider_errors.parse_error(parse_json(body))
        except ValueError:
            said = provider_errors.ErrorReport()
        return self._explain(said, status, provider_errors.parse_retry_after_sec(headers))

    def explain_event(self, error: object) -> EngineError:
        """Return the EngineError for an error sent in a stream, over a WebSocket, or with a status of success."""
        said = provider_errors.parse_error(error)
        return self._explain(said, said.status)

    def _explain(self, said: ErrorReport, status: int | None, retry_after_sec: float | None = None) -> EngineError:
        error = self._classify(said, status, retry_after_sec)
        error.status, error.retry_after_sec = status, retry_after_sec
        return error

    def _classify(self, said: ErrorReport, status: int | None, retry_after_sec: float | None) -> EngineError:
        if said.has_any(provider_errors.NO_CREDIT) or status == 402:
            return self.errors.build_quota_error()
        if status == 401 or said.has_any(provider_errors.BAD_KEY):
            return self.errors.build_auth_error()
        if status == 403:
            return self.errors.build_auth_error(said.message)
        if status == 429 or said.has_any(provider_errors.TOO_MANY):
            return self.errors.build_busy_error(retry_after_sec)
        if status is not None and (status >= 500 or status == 408):
            return self.errors.build_server_error(f"error {status}")
        if status == 404 and said.message.lower().rstrip(".") in ("", "not found", "404 page not found"):
            return self.errors.build_not_found_error()
        if status is not None or said.has_any(provider_errors.REFUSED):
            return self.errors.build_rejected_error(said.message)
        return self.errors.build_server_error(next(iter(said.names), said.message) or "no reason given")

    def _explain_transport(self, error: Exception) -> EngineError:
        cause = error.__cause__ if isinstance(error, APIConnectionError) else error
        match cause:
            case httpx2.ConnectError() | httpx2.ConnectTimeout() | httpx2.PoolTimeout() | httpx2.UnsupportedProtocol():
                return self.errors.build_unreachable_error()
            case httpx2.InvalidURL():
                return self.errors.build_not_found_error()
            case httpx2.TimeoutException():
                return self.errors.build_timeout_error(self._spec.timeout_sec)
            case UnfitAnswerError() | ValueError():
                return self.errors.build_unexpected_answer_error("what was asked for")
        return self.errors.build_connection_lost_error()
