"""The one scope of a session's conversation: opened at its beginning, and always given back at its end."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from django.db import Error

from accounts import access
from conversations.realtime.protocol.ids import make_id
from conversations.storage import leases, store
from conversations.storage.leases import ConversationDeletedError, TakenOverError
from conversations.storage.store import Caller, ConversationHeldError, Opened, in_thread

log = logging.getLogger(__name__)

WAIT_SEC = 2.0  # for the session that holds it to store what it said; then it is taken from it
LOOK_SEC = 0.05

_take = in_thread(leases.take)
_claim = in_thread(leases.claim)
_end = in_thread(leases.end)


@dataclass(frozen=True, slots=True)
class Ask:
    """What a client asks for when it comes, as in the socket's query; "" leaves it to the site."""

    conversation: str = ""
    assistant: str = ""
    model: str = ""
    time_zone: str = ""


@asynccontextmanager
async def held(caller: Caller, ask: Ask, *, is_stored: bool = True, takes_over: bool = True) -> AsyncIterator[Opened]:
    """Hold the conversation, a new one where none is named. Only if it `takes_over` does it end who holds it now.

    Raises ConversationHeldError or TakenOverError if another session holds it in the end; else as
    `store.open_conversation`.
    """
    opened = await _open(caller, ask, make_id("hold"), is_stored, takes_over)
    try:
        yield opened
    finally:
        await _give_back(opened)


async def _open(caller: Caller, ask: Ask, holder: str, is_stored: bool, takes_over: bool) -> Opened:
    named = (ask.conversation, ask.assistant, ask.model, ask.time_zone)
    try:
        return await store.answer_in_time(store.open_conversation(caller, *named, is_stored=is_stored, holder=holder))
    except ConversationHeldError as error:
        if takes_over:
            await _take_over(error.pk, holder, caller)
        elif not await _become_free(error.pk, holder):
            raise
    return await store.open_conversation(caller, *named, is_stored=is_stored, holder=holder)


async def _take_over(pk: int, holder: str, caller: Caller) -> None:
    try:
        await _claim(pk, holder)
    except ConversationDeletedError:
        return  # a moment ago: who opens it is told so
    try:
        await access.announce_now(caller.user_id)
    except Exception as error:  # whatever is down, in whichever library's words: it is seen a second later
        log.warning("a take-over could not be announced: %s", type(error).__name__)
    if not await _become_free(pk, holder) and not await _take(pk, holder, by_force=True):
        raise TakenOverError  # by one that came later still


async def _become_free(pk: int, holder: str) -> bool:
    """Wait until the conversation is this holder's; False if it never was."""
    with suppress(TimeoutError):
        async with asyncio.timeout(WAIT_SEC):
            while True:
                if await _take(pk, holder):
                    return True
                await asyncio.sleep(LOOK_SEC)
    return False


async def _give_back(opened: Opened) -> None:
    if opened.pk is None:
        return
    try:
        await store.answer_in_time(_end(opened.pk, opened.holder))
    except Error as error:  # its lease lapses, and another look closes it
        log.warning("conversation %s could not be closed for now: %s", opened.public_id, type(error).__name__)
