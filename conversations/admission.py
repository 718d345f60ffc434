"""Who may converse now, and who must stop: the same for the socket and for a turn over HTTP."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DatabaseError

from accounts import api_keys
from conversations import metrics, store
from conversations.line import Line

log = logging.getLogger(__name__)

POLICY, FAILED, BUSY = 1008, 1011, 1013  # close codes
REJOIN_SEC = 2.0  # after the channel layer failed
RECHECK_SEC = 30.0  # whether the caller is still allowed, should no word of a revocation have come

_live: Counter[int] = Counter()  # sessions of this process, by user


class Endable(Protocol):
    def close(self, code: int, error_code: str, message: str) -> None: ...


class RefusedError(Exception):
    """The caller is told why: in an `error` event, then the socket closes with the code; or by the HTTP answer."""

    def __init__(self, close_code: int, code: str, message: str) -> None:
        super().__init__(message)
        self.close_code = close_code
        self.code = code
        self.message = message


@contextmanager
def admitted(caller: store.Caller) -> Iterator[None]:
    """Holds a place among the live sessions. Raises RefusedError if there is none."""
    _check(caller)
    _live[caller.user_id] += 1
    metrics.sessions(_live.total())
    try:
        yield
    finally:
        _live[caller.user_id] -= 1
        if not _live[caller.user_id]:
            del _live[caller.user_id]
        metrics.sessions(_live.total())


def _check(caller: store.Caller) -> None:
    limits = settings.REALTIME
    if _live.total() >= limits["MAX_SESSIONS"]:
        raise RefusedError(BUSY, "server_busy", "The server is busy with other conversations. Try again in a moment.")
    if _live[caller.user_id] >= limits["MAX_SESSIONS_PER_USER"]:
        most = limits["MAX_SESSIONS_PER_USER"]
        raise RefusedError(POLICY, "too_many_sessions", f"You have {most} conversations open, the most. End one first.")


async def run(session: Line, caller: store.Caller) -> None:
    """Lets the session live, and ends it when its caller is no longer allowed or its longest time is over."""
    async with asyncio.TaskGroup() as group:
        watchers = [
            group.create_task(await_revocation(session, caller)),
            group.create_task(recheck(session, caller)),
        ]
        await session.run()
        for watcher in watchers:
            watcher.cancel()


async def await_revocation(session: Endable, caller: store.Caller) -> None:
    """Outlives a Redis that is restarted: no conversation hangs on it, and `recheck` sees to it meanwhile."""
    layer = get_channel_layer()
    while caller.key_id is not None and layer is not None:
        try:
            await _hear_of_revocation(layer, api_keys.group_name(caller.key_id), caller)
            _end_revoked(session)
            break
        except Exception as error:  # whatever is down, in whichever library's words
            log.warning("no word of revoked keys for now: %s", type(error).__name__)
            await asyncio.sleep(REJOIN_SEC)


async def _hear_of_revocation(layer: Any, group: str, caller: store.Caller) -> None:
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


async def recheck(session: Endable, caller: store.Caller) -> None:
    expires_at = time.monotonic() + settings.REALTIME["MAX_SESSION_SEC"]
    while time.monotonic() < expires_at:
        if not await _is_still_allowed(caller):
            _end_revoked(session)
            return
        await asyncio.sleep(min(RECHECK_SEC, max(0.0, expires_at - time.monotonic())))
    session.close(POLICY, "session_expired", "The session reached its longest time. Connect again to go on.")


async def _is_still_allowed(caller: store.Caller) -> bool:
    try:
        return await store.is_allowed(caller)
    except DatabaseError as error:  # a database that restarts ends no conversation; the next look will tell
        log.warning("could not look whether a caller is still allowed: %s", error)
        return True


def _end_revoked(session: Endable) -> None:
    session.close(POLICY, "invalid_api_key", "The API key was revoked, or the account closed.")
