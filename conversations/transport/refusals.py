"""Tell a caller why there is no session."""

import json
import logging
from collections.abc import Awaitable, Callable

from conversations.close_codes import INTERNAL_ERROR, TRY_AGAIN_LATER, get_error_type
from conversations.realtime.protocol.ids import make_id
from conversations.session.endings import BROKEN
from conversations.transport.admission import RefusedError
from voiceproject.database import outages

log = logging.getLogger(__name__)

AWAY = "Conversations cannot be saved right now, so none can start. Try again in a minute."


async def refuse(
    send: Callable[[str], Awaitable[None]], close: Callable[[int], Awaitable[None]], refusal: RefusedError
) -> None:
    """Tell a caller why there is no session, and close its socket."""
    kind = get_error_type(refusal.close_code)
    error = {"type": kind, "code": refusal.code, "message": refusal.message, "param": None, "event_id": None}
    await send(json.dumps({"type": "error", "event_id": make_id("event"), "error": error}))
    await close(refusal.close_code)


def describe_fault(error: Exception) -> RefusedError:
    """Return what the caller is told of an error of the server."""
    if outages.is_passing(error):
        log.warning("a caller was turned away: %s", outages.describe(error))
        return RefusedError(TRY_AGAIN_LATER, "storage_unavailable", AWAY)
    log.error("a session failed", exc_info=error)
    return RefusedError(INTERNAL_ERROR, "internal_error", BROKEN)
