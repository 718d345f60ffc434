"""Hold a conversation for one session: open it at the beginning, and give it back at the end in every case."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from django.db import Error

from accounts import connection_grants
from conversations.storage import database_threads, leases, store
from conversations.storage.callers import Caller
from conversations.storage.database_threads import in_thread
from conversations.storage.leases import ConversationDeletedError, TakenOverError
from conversations.storage.spool import journal_recovery, process_locks
from conversations.storage.store import ConversationHeldError, OpenedConversation

log = logging.getLogger(__name__)

WAIT_SEC = 2.0  # so long the session that holds it may store what was said; then it is taken by force
LOOK_SEC = 0.05  # between two tries
CLEAR_SEC = 3.0  # so long a newcomer waits for what a killed process has left behind

_take = in_thread(leases.take)
_claim = in_thread(leases.claim)
_end = in_thread(leases.end)


@dataclass(frozen=True, slots=True)
class ConversationRequest:
    """What a client asks for when it connects, as in the socket's query; "" leaves the choice to the site."""

    conversation: str = ""
    assistant: str = ""
    model: str = ""
    time_zone: str = ""


@asynccontextmanager
async def hold_conversation(
    caller: Caller, ask: ConversationRequest, *, is_stored: bool = True, takes_over: bool = True
) -> AsyncIterator[OpenedConversation]:
    """Hold the conversation that is asked for, or a new one if none is named.

    If another session holds it, that session is ended if `takes_over`, else it gets WAIT_SEC to end by itself.
    Raise ConversationHeldError or TakenOverError if another session holds it in the end, and whatever
    `store.open_conversation` raises.
    """
    opened = await _open(caller, ask, process_locks.make_holder(), is_stored, takes_over)
    try:
        yield opened
    finally:
        await _give_back(opened)


async def _open(
    caller: Caller, ask: ConversationRequest, holder: str, is_stored: bool, takes_over: bool
) -> OpenedConversation:
    named = (ask.conversation, ask.assistant, ask.model, ask.time_zone)
    await _clear_remains(ask.conversation)
    try:
        return await database_threads.answer_in_time(
            store.open_conversation(caller, *named, is_stored=is_stored, holder=holder)
        )
    except ConversationHeldError as error:
        if takes_over:
            await _take_over(error.pk, holder, caller)
        elif not await _wait_until_free(error.pk, holder):
            raise
    return await store.open_conversation(caller, *named, is_stored=is_stored, holder=holder)


async def _clear_remains(public_id: str) -> None:
    """Recover and close what a killed process has left of the conversation, before anything comes after it."""
    if not public_id:
        return
    try:
        await database_threads.answer_in_time(_clear(public_id), CLEAR_SEC)
    except (Error, OSError) as error:  # the background does it later, and finds its place
        log.warning("conversation %s: what was being said is not recovered yet: %s", public_id, type(error).__name__)


@in_thread
def _clear(public_id: str) -> None:
    journal_recovery.recover_conversation(public_id)
    process_locks.close_conversations_of_the_dead()


async def _take_over(pk: int, holder: str, caller: Caller) -> None:
    try:
        await _claim(pk, holder)
    except ConversationDeletedError:
        return  # it was deleted a moment ago: opening it reports that
    try:
        await connection_grants.announce_now(caller.user_id)
    except Exception as error:  # whatever library fails: the other session notices a second later
        log.warning("a take-over could not be announced: %s", type(error).__name__)
    if not await _wait_until_free(pk, holder) and not await _take(pk, holder, by_force=True):
        raise TakenOverError  # a still later session has taken it


async def _wait_until_free(pk: int, holder: str) -> bool:
    """Wait up to WAIT_SEC until this holder has the conversation, and return whether it has."""
    with suppress(TimeoutError):
        async with asyncio.timeout(WAIT_SEC):
            while True:
                if await _take(pk, holder):
                    return True
                await asyncio.sleep(LOOK_SEC)
    return False


async def _give_back(opened: OpenedConversation) -> None:
    if opened.pk is None:
        return
    try:
        await database_threads.answer_in_time(_end(opened.pk, opened.holder))
    except Error as error:  # its lease lapses, and the sweep closes it
        log.warning("conversation %s could not be closed for now: %s", opened.public_id, type(error).__name__)
