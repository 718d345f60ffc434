"""Which callers get a live session, and when a session must end: the same for the WebSocket and for HTTP turns."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from time import monotonic

from django.conf import settings

from conversations import metrics, tracing
from conversations.close_codes import POLICY_VIOLATION, SERVICE_RESTART, TRY_AGAIN_LATER
from conversations.loop_lag import LAG
from conversations.session.base import Session
from conversations.session.live_sessions import LIVE_SESSIONS, RESTARTING
from conversations.storage import callers, leases
from conversations.storage.database_threads import in_thread
from conversations.transport.held_places import HeldPlaces
from conversations.transport.remote_link import REMOTE_CLIENTS, release_carried
from conversations.transport.returning import give_up_one
from voiceproject import log_context

EXPIRED = "The session reached its time limit, or its client secret expired. Connect again to continue."
# When the server stops, the sessions get so long in all: for turns under way to end, and then to store what was said.
DRAIN_SEC = 25.0
TURNS_SEC = 15.0
LOOK_SEC = 0.05  # how often it is checked whether they have ended
SERVER_BUSY = "The server is busy with other conversations. Try again in a moment."
BUSY_WITH_YOURS = "The server is busy, and several of its conversations are yours. End one, or try again in a moment."

_live: Counter[int] = Counter()  # how many sessions each user has in this process
_is_live = in_thread(leases.is_live)


class RefusedError(Exception):
    """The caller gets no session, and is told why.

    Over the WebSocket this is an `error` event, after which the socket closes with `close_code`; over HTTP it is the
    response.
    """

    def __init__(self, close_code: int, code: str, message: str) -> None:
        super().__init__(message)
        self.close_code = close_code
        self.code = code
        self.message = message


@asynccontextmanager
async def admit(caller: callers.Caller, conversation_id: str = "") -> AsyncIterator[None]:
    """Hold a place among the live sessions, or raise RefusedError if there is none.

    If the caller has a session in the conversation `conversation_id`, its place is free: it will be taken over.
    Where no place is free, that of a session is taken which waits for its client to come back.
    """
    replaces = LIVE_SESSIONS.is_in(caller.user_id, conversation_id)
    with _counting_refusals():
        _check_capacity(caller, replaces)
    _live[caller.user_id] += 1
    metrics.set_live_sessions(_live.total())
    try:
        with _counting_refusals():
            await _take_place(caller.user_id, conversation_id, replaces)
        metrics.count_session()
        yield
    finally:
        _live[caller.user_id] -= 1
        if not _live[caller.user_id]:
            del _live[caller.user_id]
        metrics.set_live_sessions(_live.total())
        await asyncio.shield(_places.give_back(caller.user_id))


@contextmanager
def _counting_refusals() -> Iterator[None]:
    try:
        yield
    except RefusedError as refusal:
        metrics.count_refusal(refusal.code)
        raise


async def _take_place(user_id: int, conversation_id: str, replaces: bool) -> None:
    """Take one of the places that the user has over all processes, or raise RefusedError."""
    most = settings.REALTIME["MAX_SESSIONS_PER_USER"] + replaces
    if LIVE_SESSIONS.count_ending(user_id) or LIVE_SESSIONS.count_waiting(user_id):
        await _places.update(monotonic())
    if await _places.take(user_id, most):
        return
    is_elsewhere = conversation_id and not replaces and await _is_live(user_id, conversation_id)
    if not (is_elsewhere and await _places.take(user_id, most + 1)):
        raise _build_too_many()


async def readmit(user_id: int) -> bool:
    """Take the place again of a session whose client comes back, and return False if a newcomer has it."""
    return await _places.take_back(user_id, settings.REALTIME["MAX_SESSIONS_PER_USER"])


def _count_used() -> dict[int, int]:
    """Return how many sessions of each user count: not those that end, and those that wait for their client."""
    away = {user_id: LIVE_SESSIONS.count_ending(user_id) + LIVE_SESSIONS.count_waiting(user_id) for user_id in _live}
    return {user_id: max(0, live - away[user_id]) for user_id, live in _live.items()}


def _count_waiting() -> dict[int, int]:
    return {user_id: LIVE_SESSIONS.count_waiting(user_id) for user_id in _live}


_places = HeldPlaces(_count_used, _count_waiting)


def _check_capacity(caller: callers.Caller, replaces: bool) -> None:
    limits = settings.REALTIME
    if LIVE_SESSIONS.is_stopping:
        raise RefusedError(SERVICE_RESTART, "server_restarting", RESTARTING)
    if _live.total() - replaces >= limits["MAX_SESSIONS"] or (not replaces and is_overloaded()):
        raise RefusedError(TRY_AGAIN_LATER, "server_busy", SERVER_BUSY)
    most, live = limits["MAX_SESSIONS_PER_USER"], _live[caller.user_id]
    # Sessions that only store their last words do not count, up to as many again.
    if live >= 2 * most:
        raise _build_too_many()
    while refusal := _find_refusal(live - replaces - LIVE_SESSIONS.count_ending(caller.user_id), replaces):
        if not give_up_one(caller.user_id):
            raise refusal


def _find_refusal(used: int, replaces: bool) -> RefusedError | None:
    """Return what to tell a user who has so many sessions in this process and may have no further one, or None."""
    if used >= settings.REALTIME["MAX_SESSIONS_PER_USER"]:
        return _build_too_many()
    if not replaces and not _leaves_room_for_others(used):
        return RefusedError(TRY_AGAIN_LATER, "server_busy", BUSY_WITH_YOURS)
    return None


def _leaves_room_for_others(used: int) -> bool:
    """Return whether a user who has so many sessions in this process may have one more, as far as others need room.

    Everybody gets a first one while there is any room; a further one only if more than as many places are free. So one
    user never has more than half of a process, and the less of it is free the fewer. A site that lets a user have as
    many sessions as a process holds means just that, as where all calls come from one program.
    """
    most = settings.REALTIME["MAX_SESSIONS"]
    return used < most - _live.total() or not used or settings.REALTIME["MAX_SESSIONS_PER_USER"] >= most


def _build_too_many() -> RefusedError:
    most = settings.REALTIME["MAX_SESSIONS_PER_USER"]
    message = f"You already have {most} conversations open, which is the limit. End one first."
    return RefusedError(POLICY_VIOLATION, "too_many_sessions", message)


def measure() -> tuple[int, bool]:
    """Return how many sessions this process has, and whether it has room for one more."""
    return _live.total(), _live.total() < settings.REALTIME["MAX_SESSIONS"] and not is_overloaded()


def is_overloaded() -> bool:
    """Return whether the event loop is so late already that the present sessions suffer."""
    return LAG.measure_sec(monotonic()) * 1000 > settings.REALTIME["MAX_LOOP_LAG_MS"]


async def run(session: Session) -> None:
    """Run the session, and end it when its caller is no longer allowed or its lifetime is over."""
    log_context.begin_session(session.opened.public_id, session.opened.caller.user_id)
    lifetime_sec = session.opened.caller.lifetime_sec
    expiry = asyncio.get_running_loop().call_later(
        lifetime_sec, session.close, POLICY_VIOLATION, "session_expired", EXPIRED
    )
    try:
        with LIVE_SESSIONS.watch(session):
            await session.run()
    finally:
        expiry.cancel()


def start() -> None:
    """Start watching the live sessions, and the conversations whose process is gone."""
    LAG.start()
    LIVE_SESSIONS.start()
    REMOTE_CLIENTS.start()
    _places.start()


async def drain(most_sec: float = DRAIN_SEC) -> None:
    """End every session since the server stops, new ones too, and return when what was said is stored.

    A turn under way may end first, within TURNS_SEC. Give up what is not stored after `most_sec`.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(most_sec):
            await release_carried()
            await LIVE_SESSIONS.finish_turns(TURNS_SEC)
            LIVE_SESSIONS.stop()
            await _wait_until_gone()
    REMOTE_CLIENTS.end()
    await LIVE_SESSIONS.end()
    await tracing.end()


async def _wait_until_gone() -> None:
    while True:
        if not _live:
            return
        await asyncio.sleep(LOOK_SEC)
