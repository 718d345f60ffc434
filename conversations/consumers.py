"""The socket at `/v1/realtime`: who may connect, frames in, frames out. The session does the rest."""

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DatabaseError

from accounts import api_keys, time_zones
from conversations import metrics, store
from conversations.engines.base import EngineError
from conversations.realtime.beta import Beta
from conversations.realtime.ids import make_id
from conversations.session import Session, warm

log = logging.getLogger(__name__)

KEY_SUBPROTOCOL = "openai-insecure-api-key."
BETA_SUBPROTOCOL = "openai-beta.realtime-v1"
BETA_HEADER = "realtime=v1"
POLICY, FAILED, BUSY = 1008, 1011, 1013
REJOIN_SEC = 2.0  # after the channel layer failed
RECHECK_SEC = 30.0  # whether the caller is still allowed, should no word of a revocation have come

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class RefusedError(Exception):
    """The caller is told why in an `error` event, then the socket closes."""

    def __init__(self, close_code: int, code: str, message: str) -> None:
        super().__init__(message)
        self.close_code = close_code
        self.code = code
        self.message = message


class RealtimeConsumer:
    """An ASGI application rather than a Channels consumer class: their dispatch costs more than a frame's own work.

    Daphne refuses a handshake with 403 only, which browsers hide from pages; so all but a foreign page is
    accepted first and then told.
    """

    live: ClassVar[Counter[int]] = Counter()  # sessions of this process, by user

    def __init__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self.headers: dict[bytes, str] = {name: value.decode("latin1") for name, value in scope["headers"]}
        query = parse_qs(scope["query_string"].decode("latin1"))
        self.query = {key: values[0].replace("\0", "") for key, values in query.items()}  # Postgres takes no NUL

    @classmethod
    def as_asgi(cls) -> Callable[[dict[str, Any], Receive, Send], Awaitable[None]]:
        async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
            await cls(scope, receive, send).handle()

        return application

    async def handle(self) -> None:
        if (await self.receive())["type"] != "websocket.connect":
            return
        key = self._key()
        if key is None and not self._is_same_origin():
            await self._close(403)  # another site's page with this user's cookie: no word to it
            return
        offered = self.scope["subprotocols"]
        await self.send({"type": "websocket.accept", "subprotocol": "realtime" if "realtime" in offered else None})
        try:
            await self._converse(await self._caller(key))
        except RefusedError as refusal:
            await self._refuse(refusal)
        except Exception:  # the outermost edge
            log.exception("a session failed")
            message = "The server failed; its log says why. Connect again to go on."
            await self._refuse(RefusedError(FAILED, "internal_error", message))

    # Who is there.

    def _key(self) -> str | None:
        """The API key, by header or by the browser's subprotocol form."""
        scheme, _, key = self.headers.get(b"authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return key.strip()
        offered: list[str] = self.scope["subprotocols"]
        return next((one.removeprefix(KEY_SUBPROTOCOL) for one in offered if one.startswith(KEY_SUBPROTOCOL)), None)

    def _is_same_origin(self) -> bool:
        """A page's cookie counts only for pages of this site: browsers send it with every site's sockets."""
        origin = self.headers.get(b"origin", "")
        host = self.headers.get(b"host", "").lower()
        # Behind TLS an http:// page of the same name is not ours: whoever sits on the network could have made it.
        is_ours = urlsplit(origin).netloc.lower() == host and not (settings.HTTPS and origin.startswith("http://"))
        return bool(host) and (is_ours or origin in settings.CSRF_TRUSTED_ORIGINS)

    async def _caller(self, key: str | None) -> store.Caller:
        if key is not None:
            caller = await store.authenticate(key)
            if caller is None:
                message = "The API key is wrong or was revoked. Make one on the site's settings page."
                raise RefusedError(POLICY, "invalid_api_key", message)
            return caller
        user = self.scope.get("user")
        if user is None or not user.is_authenticated:
            raise RefusedError(POLICY, "invalid_api_key", "Sign in first, or connect with an API key.")
        return store.Caller(user.pk)

    def _dialect(self) -> Beta | None:
        """What the client asked for when it connected; None is GA."""
        asked = self.headers.get(b"openai-beta", "").replace(" ", "").split(",")
        return Beta() if BETA_HEADER in asked or BETA_SUBPROTOCOL in self.scope["subprotocols"] else None

    # The session.

    async def _converse(self, caller: store.Caller) -> None:
        self._admit(caller)
        self.live[caller.user_id] += 1
        metrics.sessions(self.live.total())
        try:
            opened = await self._open(caller)
            expires_at = int(time.time() + settings.REALTIME["MAX_SESSION_SEC"])
            await asyncio.to_thread(warm, opened.engines)
            model = self.query.get("model", "")
            session = Session(opened, self._send_text, self._close, model, expires_at, self._dialect())
            await self._run(session, caller)
        except EngineError as error:
            raise RefusedError(POLICY, error.code, error.message) from error
        finally:
            self.live[caller.user_id] -= 1
            if not self.live[caller.user_id]:
                del self.live[caller.user_id]
            metrics.sessions(self.live.total())

    def _admit(self, caller: store.Caller) -> None:
        limits = settings.REALTIME
        if self.live.total() >= limits["MAX_SESSIONS"]:
            raise RefusedError(
                BUSY, "server_busy", "The server is busy with other conversations. Try again in a moment."
            )
        if self.live[caller.user_id] >= limits["MAX_SESSIONS_PER_USER"]:
            most = limits["MAX_SESSIONS_PER_USER"]
            raise RefusedError(
                POLICY, "too_many_sessions", f"You have {most} conversations open, the most. End one first."
            )

    async def _open(self, caller: store.Caller) -> store.Opened:
        if self.query.get("intent", "conversation") != "conversation" or "call_id" in self.query:
            raise RefusedError(POLICY, "invalid_value", "Only conversations over this WebSocket are served.")
        ask = self.query.get
        try:
            return await store.open_conversation(
                caller, ask("conversation", ""), ask("assistant", ""), ask("model", ""), ask("time_zone", "")
            )
        except time_zones.UnknownTimeZoneError as error:
            raise RefusedError(POLICY, "invalid_value", str(error)) from None
        except store.NotFoundError as error:
            raise RefusedError(POLICY, "not_found", str(error)) from None

    async def _run(self, session: Session, caller: store.Caller) -> None:
        async with asyncio.TaskGroup() as group:
            watchers = [
                group.create_task(self._take_frames(session)),
                group.create_task(self._await_revocation(session, caller)),
                group.create_task(self._recheck(session, caller)),
            ]
            await session.run()
            for watcher in watchers:
                watcher.cancel()

    async def _take_frames(self, session: Session) -> None:
        while (message := await self.receive())["type"] == "websocket.receive":
            frame = message.get("text")
            session.feed(frame if frame is not None else message["bytes"])
        session.hang_up(message.get("code", 1006))

    async def _await_revocation(self, session: Session, caller: store.Caller) -> None:
        """Outlives a Redis that is restarted: no conversation hangs on it, and `_recheck` sees to it meanwhile."""
        layer = get_channel_layer()
        while caller.key_id is not None and layer is not None:
            try:
                await self._hear_of_revocation(layer, api_keys.group_name(caller.key_id), caller)
                self._end_revoked(session)
                break
            except Exception as error:  # whatever is down, in whichever library's words
                log.warning("no word of revoked keys for now: %s", type(error).__name__)
                await asyncio.sleep(REJOIN_SEC)

    async def _hear_of_revocation(self, layer: Any, group: str, caller: store.Caller) -> None:
        channel = await layer.new_channel()
        await layer.group_add(group, channel)
        try:
            # Asked only now that no word can be missed: the key may have been revoked a moment before.
            if await store.is_allowed(caller):
                while (await layer.receive(channel))["type"] != "key.revoked":
                    pass
        finally:
            with suppress(Exception):  # the layer forgets it by itself in time
                async with asyncio.timeout(REJOIN_SEC):
                    await layer.group_discard(group, channel)

    async def _recheck(self, session: Session, caller: store.Caller) -> None:
        expires_at = time.monotonic() + settings.REALTIME["MAX_SESSION_SEC"]
        while time.monotonic() < expires_at:
            if not await self._is_still_allowed(caller):
                self._end_revoked(session)
                return
            await asyncio.sleep(min(RECHECK_SEC, max(0.0, expires_at - time.monotonic())))
        session.close(POLICY, "session_expired", "The session reached its longest time. Connect again to go on.")

    async def _is_still_allowed(self, caller: store.Caller) -> bool:
        try:
            return await store.is_allowed(caller)
        except DatabaseError as error:  # a database that restarts ends no conversation; the next look will tell
            log.warning("could not look whether a caller is still allowed: %s", error)
            return True

    def _end_revoked(self, session: Session) -> None:
        session.close(POLICY, "invalid_api_key", "The API key was revoked, or the account closed.")

    # Frames out.

    async def _send_text(self, text: str) -> None:
        await self.send({"type": "websocket.send", "text": text})

    async def _refuse(self, refusal: RefusedError) -> None:
        kind = "invalid_request_error" if refusal.close_code == POLICY else "server_error"
        error = {"type": kind, "code": refusal.code, "message": refusal.message, "param": None, "event_id": None}
        await self._send_text(json.dumps({"type": "error", "event_id": make_id("event"), "error": error}))
        await self._close(refusal.close_code)

    async def _close(self, code: int) -> None:
        await self.send({"type": "websocket.close", "code": code})
