"""Speech to speech by a Realtime session, for a relay. Details of the account are kept out of its events."""

import json
from typing import Any

from openai.resources.realtime.realtime import AsyncRealtimeConnection
from websockets.exceptions import WebSocketException

from conversations.engines import incidents
from conversations.engines.base import EngineSpec
from conversations.engines.errors import EngineError, EngineRejected
from conversations.engines.openai import provider_errors
from conversations.engines.openai.account import Account
from conversations.engines.openai.realtime_socket import close_socket, open_socket, receive_event
from conversations.network.http import get_tls_context

EXPECTED = "a Realtime conversation"
MAX_MESSAGE_BYTES = 4_000_000  # a minute of sound


class SpeechToSpeech:
    """Speech to speech by `/v1/realtime`."""

    warm = staticmethod(get_tls_context)

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec
        self._account = Account("s2s", spec)

    async def connect(self) -> "RealtimeConnection":
        """Open a connection, or raise EngineError."""
        query = {"model": self._spec.model}
        connection = await open_socket(self._account, query, EXPECTED, self._spec.timeout_sec, MAX_MESSAGE_BYTES)
        return RealtimeConnection(connection, self._account)

    def build_unexpected_answer_error(self) -> EngineError:
        """Return the error for a provider whose events do not follow the protocol."""
        return self._account.errors.build_unexpected_answer_error(EXPECTED)


class RealtimeConnection:
    """One connection, until it is lost or closed."""

    def __init__(self, connection: AsyncRealtimeConnection, account: Account) -> None:
        self._connection = connection
        self._account = account

    async def send(self, event: dict[str, Any]) -> None:
        """Send an event, or raise EngineError."""
        try:
            await self._connection.send_raw(json.dumps(event))
        except (WebSocketException, OSError) as error:
            raise self._account.errors.build_connection_lost_error() from error

    async def receive(self) -> dict[str, Any]:
        """Return the next event, with errors in words for the user. Raise EngineError once the connection is lost."""
        try:
            event = await receive_event(self._connection, self._account, EXPECTED)
        except (WebSocketException, OSError) as error:
            raise self._account.errors.build_connection_lost_error() from error
        return self._rewrite_errors(event or {})

    def _rewrite_errors(self, event: dict[str, Any]) -> dict[str, Any]:
        error = event.get("error")
        if isinstance(error, dict):
            if error.get("code") == provider_errors.SESSION_EXPIRED:
                raise self._account.errors.build_connection_lost_error()  # worth another connection
            return {**event, "error": self._rewrite_error(error)}
        response = event.get("response")
        details = response.get("status_details") if isinstance(response, dict) else None
        if isinstance(details, dict) and isinstance(details.get("error"), dict):
            told = {**details, "error": self._rewrite_error(details["error"])}
            return {**event, "response": {**response, "status_details": told}}  # type: ignore[dict-item]
        return event

    def _rewrite_error(self, error: dict[str, Any]) -> dict[str, Any]:
        """Return an error as the client may see it.

        A refusal of what the client asked keeps its code and message; trouble with the account is told in our words.
        """
        explained = self._account.explain_event(error)
        if isinstance(explained, EngineRejected):
            message = self._account.errors.scrub(str(error.get("message") or explained.message))
            return {**error, "type": "invalid_request_error", "message": message}
        incidents.report(explained)
        kept = {"type": "server_error", "code": explained.code, "message": explained.message}
        return {name: error[name] for name in ("param", "event_id") if name in error} | kept

    async def close(self) -> None:
        await close_socket(self._connection)
