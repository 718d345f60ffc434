"""A session's access to OpenAI or a compatible server: the SDK's client, and its exceptions as ours."""

from collections.abc import Mapping
from functools import cached_property

import httpx2
from openai import APIConnectionError, APIStatusError, AsyncOpenAI, OpenAIError

from accounts.outbound.bounded_answers import UnfitAnswerError, parse_json
from accounts.provider_keys.credentials import OPENAI_URL
from conversations.engines.base import EngineError, EngineSpec, Kind
from conversations.engines.failures import Failures
from conversations.engines.openai import provider_errors
from conversations.engines.openai.provider_errors import Said
from conversations.network.http import keep_warm, shared_client

CONNECT_SEC = 5.0

SDK_ERRORS = (OpenAIError, httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, ValueError)
"""ValueError: JSON and streams that are none."""


class Account:
    """One engine's account. Its connections are shared with all others."""

    def __init__(self, kind: Kind, spec: EngineSpec) -> None:
        self._spec = spec
        self.public_only = spec.public_only
        self.is_own = not spec.base_url or f"{spec.base_url}/".startswith(f"{OPENAI_URL}/")
        name = "OpenAI" if self.is_own else "OpenAI-compatible server"
        self.failures = Failures(kind, spec.provider, name, spec.api_key, spec.model)

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
        if not isinstance(error, APIStatusError):
            return self._explain_transport(error)
        said = provider_errors.read(error.body if isinstance(error.body, dict | list) else None)
        return self._explain(said, error.status_code, provider_errors.retry_after_sec(error.response.headers))

    def explain_refusal(self, status: int, body: bytes, headers: Mapping[str, str]) -> EngineError:
        """A WebSocket's handshake that was answered otherwise."""
        try:
            said = provider_errors.read(parse_json(body))
        except ValueError:
            said = provider_errors.Said()
        return self._explain(said, status, provider_errors.retry_after_sec(headers))

    def explain_event(self, error: object) -> EngineError:
        """An error that came in a stream, over a WebSocket, or with a status that says that all is well."""
        said = provider_errors.read(error)
        return self._explain(said, said.status)

    def _explain(self, said: Said, status: int | None, retry_after_sec: float | None = None) -> EngineError:
        error = self._sort(said, status, retry_after_sec)
        error.status, error.retry_after_sec = status, retry_after_sec
        return error

    def _sort(self, said: Said, status: int | None, retry_after_sec: float | None) -> EngineError:
        if said.is_of(provider_errors.NO_CREDIT) or status == 402:
            return self.failures.quota()
        if status == 401 or said.is_of(provider_errors.BAD_KEY):
            return self.failures.auth()
        if status == 403:
            return self.failures.auth(said.message)
        if status == 429 or said.is_of(provider_errors.TOO_MANY):
            return self.failures.busy(retry_after_sec)
        if status is not None and (status >= 500 or status == 408):
            return self.failures.trouble(f"error {status}")
        if status == 404 and said.message.lower().rstrip(".") in ("", "not found", "404 page not found"):
            return self.failures.not_found()
        if status is not None or said.is_of(provider_errors.REFUSED):
            return self.failures.rejected(said.message)
        return self.failures.trouble(next(iter(said.names), said.message) or "no reason given")

    def _explain_transport(self, error: Exception) -> EngineError:
        cause = error.__cause__ if isinstance(error, APIConnectionError) else error
        match cause:
            case httpx2.ConnectError() | httpx2.ConnectTimeout() | httpx2.PoolTimeout() | httpx2.UnsupportedProtocol():
                return self.failures.unreachable()
            case httpx2.InvalidURL():
                return self.failures.not_found()
            case httpx2.TimeoutException():
                return self.failures.timeout(self._spec.timeout_sec)
            case UnfitAnswerError() | ValueError():
                return self.failures.garbage("what was asked for")
        return self.failures.broke_off()
