"""Who may converse now, and who must stop: the same for the socket and for a turn over HTTP."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic

from django.conf import settings

from conversations import metrics
from conversations.close_codes import POLICY_VIOLATION, SERVICE_RESTART, TRY_AGAIN_LATER
from conversations.loop_lag import LAG
from conversations.session.base import Session
from conversations.session.live_sessions import LIVE_SESSIONS, RESTARTING
from conversations.storage import store

EXPIRED = "The session reached its time limit, or its client secret expired. Connect again to continue."
DRAIN_SEC = 20.0  # for all sessions to store what was said when the server stops
LOOK_SEC = 0.05
SERVER_BUSY = "The server is busy with other conversations. Try again in a moment."

_live: Counter[int] = Counter()  # sessions of this process, by user


class RefusedError(Exception):
    """The caller is told why: in an `error` event, then the socket closes with the code; or by the HTTP answer."""

    def __init__(self, close_code: int, code: str, message: str) -> None:
        super().__init__(message)
        self.close_code = close_code
        self.code = code
        self.message = message


@contextmanager
def admitted(caller: store.Caller, conversation_id: str = "") -> Iterator[None]:
    """Holds a place among the live sessions. Raises RefusedError if there is none.

    `conversation_id`: a session that is in that conversation makes room for this one, which will take it over.
    """
    _check(caller, LIVE_SESSIONS.is_in(caller.user_id, conversation_id))
    _live[caller.user_id] += 1
    metrics.set_live_sessions(_live.total())
    try:
        yield
    finally:
        _live[caller.user_id] -= 1
        if not _live[caller.user_id]:
            del _live[caller.user_id]
        metrics.set_live_sessions(_live.total())


def _check(caller: store.Caller, replaces: bool) -> None:
    limits = settings.REALTIME
    if LIVE_SESSIONS.is_stopping:
        raise RefusedError(SERVICE_RESTART, "server_restarting", RESTARTING)
    if _live.total() - replaces >= limits["MAX_SESSIONS"] or (not replaces and is_late()):
        raise RefusedError(TRY_AGAIN_LATER, "server_busy", SERVER_BUSY)
    most, live = limits["MAX_SESSIONS_PER_USER"], _live[caller.user_id]
    # Those that only store their last words are as good as gone, but there is an end to how many of them there may be.
    if live - replaces - LIVE_SESSIONS.ending(caller.user_id) >= most or live >= 2 * most:
        raise RefusedError(
            POLICY_VIOLATION,
            "too_many_sessions",
            f"You have {most} conversations open, the limit. End one first.",
        )


def is_late() -> bool:
    """Whether those who talk wait too long already, as the event loop shows."""
    return LAG.seconds(monotonic()) * 1000 > settings.REALTIME["MAX_LOOP_LAG_MS"]


async def run(session: Session) -> None:
    """Lets the session live, and ends it when its caller is no longer allowed or its longest time is over."""
    lifetime_sec = session.opened.caller.lifetime_sec
    expiry = asyncio.get_running_loop().call_later(
        lifetime_sec, session.close, POLICY_VIOLATION, "session_expired", EXPIRED
    )
    try:
        with LIVE_SESSIONS.over(session):
            await session.run()
    finally:
        expiry.cancel()


def start() -> None:
    """Look after the live sessions from now on, and after conversations whose own process is gone."""
    LAG.start()
    LIVE_SESSIONS.start()


async def drain(most_sec: float = DRAIN_SEC) -> None:
    """End every session because the server stops, newcomers too, and return when what was said is stored.

    What is not stored after `most_sec` is given up.
    """
    LIVE_SESSIONS.stop()
    with suppress(TimeoutError):
        async with asyncio.timeout(most_sec):
            await _all_gone()
    await LIVE_SESSIONS.end()


async def _all_gone() -> None:
    while True:
        if not _live:
            return
        await asyncio.sleep(LOOK_SEC)
