"""Tell a caller why there is no session."""

import logging
from collections.abc import Awaitable, Callable

from conversations.close_codes import INTERNAL_ERROR, TRY_AGAIN_LATER
from conversations.session.endings import BROKEN
from conversations.transport.admission import RefusedError
from conversations.transport.goodbyes import build_goodbye
from voiceproject.database import outages

log = logging.getLogger(__name__)

AWAY = "Conversations cannot be saved right now, so none can start. Try again in a minute."


async def refuse(
    send: Callable[[str], Awaitable[None]], close: Callable[[int], Awaitable[None]], refusal: RefusedError
) -> None:
    """Tell a caller why there is no session, and close its socket."""
    await send(build_goodbye(refusal.close_code, refusal.code, refusal.message))
    await close(refusal.close_code)


def describe_fault(error: Exception) -> RefusedError:
    """Return what the caller is told of an error of the server."""
    if outages.is_passing(error):
        log.warning("a caller was turned away: %s", outages.describe(error))
        return RefusedError(TRY_AGAIN_LATER, "storage_unavailable", AWAY)
    log.error("a session failed", exc_info=error)
    return RefusedError(INTERNAL_ERROR, "internal_error", BROKEN)
