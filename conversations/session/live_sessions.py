"""The live sessions of this process, and what ends them from outside.

A session ends when its caller is no longer allowed, when its conversation is taken over, and when the server stops.
One task checks all sessions against the database twice a second, and at once when the channel layer announces a change.
It also renews the leases of their conversations, and closes conversations whose process is gone.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any, NoReturn, Protocol

from channels.layers import get_channel_layer

from accounts import connection_grants
from accounts.connection_grants import Grant
from conversations.close_codes import ABNORMAL, POLICY_VIOLATION, SERVICE_RESTART
from conversations.session.dispatch.dispatch_queue import Machine
from conversations.storage import leases
from conversations.storage.database_threads import in_thread
from conversations.storage.leases import RENEW_SEC, TakenOverError
from conversations.storage.store import OpenedConversation

log = logging.getLogger(__name__)

LOOK_SEC = 0.5
APART_SEC = 0.1  # the least time between two checks, however often the channel layer announces changes
REJOIN_SEC = 2.0  # after the channel layer failed
SWEEP_SEC = 10.0
TURN_LOOK_SEC = 0.05  # between two looks whether a turn is over, once the server stops
SIGNED_OUT = "You have been signed out. Sign in again to continue."
REVOKED = "The API key was revoked or lost its scope, its client secret expired, or the account was closed."
RESTARTING_CODE = "server_restarting"
RESTARTING = "The server is restarting. Connect again to continue."

_check_sessions = in_thread(lambda grants, held: (connection_grants.filter_valid(grants), leases.find_lost(held)))
_renew = in_thread(leases.renew)
_sweep = in_thread(leases.end_lapsed)


class Watched(Protocol):
    """A live session, and what is known of it here."""

    opened: OpenedConversation

    detached_at: float | None

    @property
    def is_ending(self) -> bool: ...

    @property
    def machine(self) -> Machine: ...

    def announce_end(self, error_code: str, message: str) -> None: ...

    def hang_up(self, code: int, gone_at: float | None = None) -> None: ...

    def close(self, code: int, error_code: str, message: str, *, drains_input: bool = False) -> None: ...


class LiveSessions:
    """Watch the live sessions, and end those that must end.

    `look(grants, held)` returns which grants are still good and which holders have lost their conversation; `renew`
    renews the leases of the others.
    """

    def __init__(
        self,
        look: Callable[[Collection[Grant], Collection[tuple[int, str]]], Awaitable[Any]] = _check_sessions,
        renew: Callable[[Collection[tuple[int, str]]], Awaitable[None]] = _renew,
    ) -> None:
        self.is_stopping = False
        self._sessions: set[Watched] = set()
        self._ask, self._renew = look, renew
        self._renew_at = 0.0
        self._running: asyncio.Task[NoReturn] | None = None

    def start(self) -> None:
        """Start watching, if it has not started already."""
        if self._running is None or self._running.done() or self._running.get_loop() is not asyncio.get_running_loop():
            self._has_news, self._users_changed = asyncio.Event(), asyncio.Event()
            self._running = asyncio.create_task(self._run())

    async def end(self) -> None:
        """Stop watching."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    @contextmanager
    def watch(self, session: Watched) -> Iterator[None]:
        """Watch a session while it lives."""
        self.start()
        self._sessions.add(session)
        self._users_changed.set()
        if self.is_stopping:
            _end_for_restart(session)
        try:
            yield
        finally:
            self._sessions.discard(session)
            self._users_changed.set()

    def is_in(self, user_id: int, conversation_id: str) -> bool:
        """Return whether a session of this user is in that conversation."""
        mine = (one.opened for one in self._sessions if one.opened.caller.user_id == user_id)
        return bool(conversation_id) and any(opened.public_id == conversation_id for opened in mine)

    def count_ending(self, user_id: int) -> int:
        """Return how many sessions of this user only store what was said."""
        return sum(one.is_ending for one in self._sessions if one.opened.caller.user_id == user_id)

    def count_waiting(self, user_id: int) -> int:
        """Return how many sessions of this user wait for their client to come back."""
        mine = (one for one in self._sessions if one.opened.caller.user_id == user_id)
        return sum(one.detached_at is not None and not one.is_ending for one in mine)

    async def finish_turns(self, most_sec: float) -> None:
        """Let nobody in since the server stops, and end each session between two turns, within `most_sec`."""
        self.is_stopping = True
        for session in self._sessions:
            session.announce_end(RESTARTING_CODE, RESTARTING)
        give_up_at = monotonic() + most_sec
        while any(not session.is_ending for session in self._sessions) and monotonic() < give_up_at:
            for session in self._sessions:
                if not session.machine.is_in_turn:
                    _end_for_restart(session)
            await asyncio.sleep(TURN_LOOK_SEC)

    def stop(self) -> None:
        """End every session since the server stops. Each stores what was said."""
        self.is_stopping = True
        for session in self._sessions:
            _end_for_restart(session)

    async def _run(self) -> NoReturn:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(_sweep_regularly())
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SEC):
                        await self._has_news.wait()
                self._has_news.clear()
                await self.check()
                await asyncio.sleep(APART_SEC)

    async def check(self) -> None:
        """Check all sessions once. If the database fails no session ends; the next check will tell."""
        sessions = list(self._sessions)
        held = [(one.opened.pk, one.opened.holder) for one in sessions if one.opened.pk is not None]
        try:
            if held and monotonic() >= self._renew_at:
                await self._renew(held)
                self._renew_at = monotonic() + RENEW_SEC
            good, lost = await self._ask({one.opened.caller.grant for one in sessions}, held) if sessions else ((), ())
        except Exception as error:  # an error boundary, whatever library fails
            log.warning("could not look after the live sessions: %s: %s", type(error).__name__, error)
            return
        for session in sessions:
            _end_if_refused(session, good, lost)

    # The channel layer.

    async def _listen(self) -> None:
        """Listen for changes. A Redis that restarts ends no session: listening starts again."""
        is_known = False
        while (layer := get_channel_layer()) is not None:
            try:
                await self._receive_news(layer)
            except Exception as error:  # whatever library fails
                if not is_known:
                    log.warning("cannot hear of sign-outs and revoked keys right now: %s", type(error).__name__)
                is_known = True
            await asyncio.sleep(REJOIN_SEC)

    async def _receive_news(self, layer: Any) -> None:
        channel = await layer.new_channel()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_joined(layer, channel))
            while True:
                await layer.receive(channel)
                self._has_news.set()

    async def _keep_joined(self, layer: Any, channel: str) -> NoReturn:
        joined: set[int] = set()
        while True:
            self._users_changed.clear()
            users = {session.opened.caller.user_id for session in self._sessions}
            for user_id in users - joined:
                await layer.group_add(connection_grants.get_group_name(user_id), channel)
                self._has_news.set()  # a change may have been announced before
            for user_id in joined - users:
                await layer.group_discard(connection_grants.get_group_name(user_id), channel)
            joined = users
            await self._users_changed.wait()


def _end_for_restart(session: Watched) -> None:
    if session.detached_at is None:
        session.close(SERVICE_RESTART, RESTARTING_CODE, RESTARTING, drains_input=True)
    elif not session.is_ending:  # there is nobody to be told, and nothing was heard since
        session.hang_up(ABNORMAL, session.detached_at)


def _end_if_refused(session: Watched, good: Collection[Grant], lost: Collection[str]) -> None:
    if session.opened.caller.grant not in good:
        message = SIGNED_OUT if session.opened.caller.session_key else REVOKED
        session.close(POLICY_VIOLATION, "invalid_api_key", message)
    elif session.opened.holder in lost:
        session.close(POLICY_VIOLATION, TakenOverError.code, str(TakenOverError()), drains_input=True)


async def _sweep_regularly() -> NoReturn:
    while True:
        try:
            while closed := await _sweep():
                log.info("closed %d conversations whose sessions are gone", closed)
        except Exception as error:  # an error boundary: the next sweep will do
            log.warning("could not close lapsed conversations: %s", type(error).__name__)
        await asyncio.sleep(SWEEP_SEC)


LIVE_SESSIONS = LiveSessions()  # of this process
