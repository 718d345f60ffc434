"""The WebSocket at `/v1/realtime`: authenticate the caller, and carry frames between the client and its session."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.http import parse_cookie

from accounts import time_zones
from accounts.keys import client_secrets, key_attempt_limits
from accounts.models import Scope
from accounts.security import client_addresses
from conversations import metrics
from conversations.close_codes import NORMAL, POLICY_VIOLATION, TRY_AGAIN_LATER
from conversations.engines.errors import EngineError
from conversations.realtime.protocol.beta import BetaDialect
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.session_config import REALTIME, TRANSCRIPTION
from conversations.session import conversation_lease
from conversations.session.factory import build_session
from conversations.storage import callers, database_threads, store
from conversations.storage.leases import TakenOverError
from conversations.transport import admission, origins, remote_link
from conversations.transport.admission import RefusedError
from conversations.transport.client_link import ClientLink, find_link
from conversations.transport.refusals import describe_fault, refuse
from voiceproject.http.refusals import TOO_MANY_WRONG_KEYS

KEY_SUBPROTOCOL = "openai-insecure-api-key."
BETA_SUBPROTOCOL = "openai-beta.realtime-v1"
BETA_HEADER = "realtime=v1"
FRAMES = "voiceproject.frames"  # in the scope's extensions, see voiceproject/server/websocket_connection.py

NOT_RESUMABLE = "The session has ended, or too much of it was missed. Connect again to begin one."

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class RealtimeConsumer:
    """Serve one WebSocket.

    This is a plain ASGI application: the dispatch of Channels' consumer classes costs more time than the work on a
    frame. A handshake can be refused only with 403, which browsers hide from pages, so every caller but a page of
    another site is accepted first and then told why it is refused.
    """

    def __init__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self._is_released = False
        self.headers: dict[bytes, str] = {name: value.decode("latin1") for name, value in scope["headers"]}
        query = parse_qs(scope["query_string"].decode("latin1"))
        self.query = {key: values[0].replace("\0", "") for key, values in query.items()}  # Postgres takes no NUL

    @classmethod
    def as_asgi(cls) -> Callable[[dict[str, Any], Receive, Send], Awaitable[None]]:
        """Return the ASGI application for the router."""

        async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
            await cls(scope, receive, send).handle()

        return application

    async def handle(self) -> None:
        """Serve the connection until it is closed."""
        if (await self.receive())["type"] != "websocket.connect":
            return
        key = self._find_key()
        if not origins.is_allowed_host(self.headers.get(b"host", "")) or (key is None and not self._is_same_origin()):
            await self.close(403)  # a page of another site that uses this user's cookie
            return
        offered = self.scope["subprotocols"]
        await self.send({"type": "websocket.accept", "subprotocol": "realtime" if "realtime" in offered else None})
        try:
            # If the event loop is late every step takes long, so refuse first of all. A caller who names a conversation
            # may be in it already and then replaces that session, which is checked further on.
            if admission.is_overloaded() and not {"conversation", "resume"} & self.query.keys():
                metrics.count_refusal("server_busy")
                raise RefusedError(TRY_AGAIN_LATER, "server_busy", admission.SERVER_BUSY)
            caller = await self._authenticate(key)
            if not await self._resume(caller):
                link = ClientLink(self, caller.user_id)
                link.host(self._host(caller, link))
                await self._serve(link)
        except RefusedError as refusal:
            await refuse(self.send_text, self.close, refusal)
        except Exception as error:  # an error boundary
            await refuse(self.send_text, self.close, describe_fault(error))

    # The caller.

    def _find_key(self) -> str | None:
        """Return the API key from the header, or from the subprotocol that browsers use, or None."""
        scheme, _, key = self.headers.get(b"authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return key.strip()
        offered: list[str] = self.scope["subprotocols"]
        return next((one.removeprefix(KEY_SUBPROTOCOL) for one in offered if one.startswith(KEY_SUBPROTOCOL)), None)

    def _is_same_origin(self) -> bool:
        """Return whether a page of this site connects: browsers send the cookie with sockets of every site."""
        return origins.is_of_this_site(self.headers.get(b"origin", ""), self.headers.get(b"host", ""))

    def _is_allowed_origin(self) -> bool:
        """Return whether a page with a key may connect: any may, unless API_ALLOWED_ORIGINS names some."""
        origin, named = self.headers.get(b"origin", ""), settings.API_ALLOWED_ORIGINS
        return not (origin and named) or origin in named or self._is_same_origin()

    async def _authenticate(self, key: str | None) -> callers.Caller:
        if key is not None:
            address = client_addresses.read_scope_address(self.scope)
            if wait_sec := key_attempt_limits.get_wait_sec(address, key):
                raise RefusedError(POLICY_VIOLATION, "rate_limit_exceeded", TOO_MANY_WRONG_KEYS.format(wait_sec))
            caller = await database_threads.answer_in_time(callers.authenticate(key, address))
            key_attempt_limits.record_outcome(address, key, is_right=caller is not None)
            if caller is None:
                message = "The API key is wrong or was revoked. Create one on the site's settings page."
                if client_secrets.is_client_secret(key):
                    message = "The client secret is wrong, has expired, or its API key was revoked. Ask for a new one."
                raise RefusedError(POLICY_VIOLATION, "invalid_api_key", message)
            if not self._is_allowed_origin():
                message = "Pages from this origin may not connect. An admin can allow them with API_ALLOWED_ORIGINS."
                raise RefusedError(POLICY_VIOLATION, "origin_not_allowed", message)
            if Scope.REALTIME not in caller.scopes:
                message = f"The API key does not have the scope {Scope.REALTIME.value}. Create one that has it."
                raise RefusedError(POLICY_VIOLATION, "missing_scope", message)
            return caller
        cookie = parse_cookie(self.headers.get(b"cookie", "")).get(settings.SESSION_COOKIE_NAME, "")
        caller = await database_threads.answer_in_time(callers.authenticate_cookie(cookie)) if cookie else None
        if caller is None:
            raise RefusedError(POLICY_VIOLATION, "invalid_api_key", "Sign in first, or connect with an API key.")
        return caller

    def _choose_dialect(self) -> BetaDialect | None:
        """Return the protocol dialect that the client asks for; None is GA."""
        asked = self.headers.get(b"openai-beta", "").replace(" ", "").split(",")
        return BetaDialect() if BETA_HEADER in asked or BETA_SUBPROTOCOL in self.scope["subprotocols"] else None

    # The session.

    async def _resume(self, caller: callers.Caller) -> bool:
        """Go on with the session that the client names, and return True, or False if it gets a new one."""
        token, after = self.query.get("resume", ""), self.query.get("after", "")
        if (link := find_link(token, after, caller.user_id)) is not None:
            await self._serve(link, after)
        elif (pipe := await remote_link.open_pipe(token, after, caller.user_id)) is not None:
            await remote_link.carry(pipe, self, self.receive)
        elif token and "conversation" not in self.query:
            raise RefusedError(POLICY_VIOLATION, "session_not_resumable", NOT_RESUMABLE)
        return link is not None or pipe is not None

    async def _serve(self, link: ClientLink, after: str | None = None) -> None:
        """Carry the client's frames to its session, and those that followed the event `after` to the client."""
        hand_over = self.scope.get("extensions", {}).get(FRAMES)
        self._taking = asyncio.create_task(link.take_frames(self, self.receive, hand_over))
        tasks = [self._taking]
        if after is not None:
            link.attach(self)
            tasks.append(asyncio.create_task(link.catch_up(self, after)))
        try:
            await asyncio.wait({self._taking, link.hosted}, return_when=asyncio.FIRST_COMPLETED)
            if not self._taking.done() and after is not None:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:  # the server does not wait any longer
            link.hosted.cancel()
            await asyncio.wait({link.hosted})
            raise
        finally:
            for task in tasks:
                task.cancel()
        if self._is_released:
            await self.close(NORMAL)

    def release(self) -> None:
        """Serve no longer, since the client has come back over another socket."""
        self._is_released = True
        self._taking.cancel()

    async def _host(self, caller: callers.Caller, link: ClientLink) -> None:
        """Run a session, and tell whoever is at the other end of the link what goes wrong."""
        try:
            async with admission.admit(caller, self.query.get("conversation", "")):
                await self._converse(caller, link)
        except RefusedError as refusal:
            await refuse(link.send, link.close, refusal)
        except Exception as error:  # an error boundary
            await refuse(link.send, link.close, describe_fault(error))

    async def _converse(self, caller: callers.Caller, link: ClientLink) -> None:
        kind, stores_captions = self._choose_kind(caller)
        is_stored = kind == REALTIME or stores_captions
        try:
            async with conversation_lease.hold_conversation(
                caller, self._build_request(caller), is_stored=is_stored
            ) as opened:
                session = await build_session(
                    opened,
                    link.send,
                    link.close,
                    self._choose_model(caller),
                    dialect=self._choose_dialect(),
                    kind=kind,
                    stores_captions=stores_captions,
                )
                link.begin(session)
                await admission.run(session)
        except time_zones.UnknownTimeZoneError as error:
            raise RefusedError(POLICY_VIOLATION, "invalid_value", str(error)) from None
        except store.NotFoundError as error:
            raise RefusedError(POLICY_VIOLATION, "not_found", str(error)) from None
        except TakenOverError as error:
            raise RefusedError(POLICY_VIOLATION, error.code, str(error)) from None
        except (EngineError, ProtocolError) as error:
            raise RefusedError(POLICY_VIOLATION, error.code, error.message) from error

    def _choose_kind(self, caller: callers.Caller) -> tuple[str, bool]:
        """Return the session type, and whether a transcription session is stored."""
        intent, stores = self.query.get("intent", "conversation"), self.query.get("store", "false")
        if intent not in ("conversation", TRANSCRIPTION) or "call_id" in self.query:
            message = "This WebSocket is for conversations, or for transcription with intent=transcription."
            raise RefusedError(POLICY_VIOLATION, "invalid_value", message)
        if stores not in ("true", "false"):
            raise RefusedError(POLICY_VIOLATION, "invalid_value", "'store' must be 'true' or 'false'.")
        kind = TRANSCRIPTION if TRANSCRIPTION in (intent, caller.session.get("type")) else REALTIME
        return kind, stores == "true" or "conversation" in self.query

    def _choose_model(self, caller: callers.Caller) -> str:
        """Return the model of the client secret if it names one, else that of the query."""
        return str(caller.session.get("model") or self.query.get("model", ""))

    def _build_request(self, caller: callers.Caller) -> conversation_lease.ConversationRequest:
        ask = self.query.get
        assistant = "" if caller.session.get("model") else ask("assistant", "")
        return conversation_lease.ConversationRequest(
            ask("conversation", ""), assistant, self._choose_model(caller), ask("time_zone", "")
        )

    # Frames out.

    async def send_text(self, text: str) -> None:
        """Send a text frame."""
        await self.send({"type": "websocket.send", "text": text})

    async def close(self, code: int) -> None:
        """Close the socket."""
        await self.send({"type": "websocket.close", "code": code})
