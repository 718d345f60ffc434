"""The live sessions of a process: who is told to go, and what survives a database that fails."""

import asyncio
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import OperationalError

from accounts import connection_grants
from accounts.connection_grants import Grant
from conversations.session import live_sessions
from conversations.session.live_sessions import LiveSessions
from conversations.storage.callers import Caller


@dataclass
class OpenedConversation:
    caller: Caller
    holder: str = "hold_1"
    pk: int | None = 7
    public_id: str = "conv_7"


@dataclass(eq=False)
class Session:
    """Notes how it was ended."""

    opened: Any
    ended: list[Any] = field(default_factory=list)
    is_detached: bool = False
    has_ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_ending(self) -> bool:
        return bool(self.ended)

    def close(self, code: int, error_code: str, message: str, *, drains_input: bool = False) -> None:
        self.ended.append((code, error_code, drains_input))
        self.has_ended.set()


def make_session(user_id: int = 1, **fields: Any) -> Session:
    return Session(OpenedConversation(Caller(user_id), **fields))


class World:
    """What the database says, in order; the last answer stands."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.looks = self.renewals = 0
        self.has_looked = asyncio.Event()

    async def look(self, grants: Collection[Grant], held: Collection[tuple[int, str]]) -> Any:
        self.looks += 1
        self.has_looked.set()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def renew(self, held: Collection[tuple[int, str]]) -> None:
        self.renewals += 1


async def check_sessions(world: World, *sessions: Session, times: int = 1) -> None:
    """Check these sessions so many times."""
    watched = LiveSessions(world.look, world.renew)
    with ExitStack() as stack:
        for session in sessions:
            stack.enter_context(watched.watch(session))
        for _ in range(times):
            await watched.check()
    await watched.end()


async def test_who_is_allowed_goes_on() -> None:
    one = make_session()
    await check_sessions(World(({Grant(1)}, set())), one)
    assert not one.ended


async def test_who_is_no_longer_allowed_is_told() -> None:
    one, other = make_session(1), make_session(2)
    await check_sessions(World(({Grant(2)}, set())), one, other)
    assert (one.ended, other.ended) == ([(1008, "invalid_api_key", False)], [])


async def test_whose_conversation_was_taken_over_is_told_and_heard_out() -> None:
    one, other = make_session(), make_session(holder="hold_2")
    await check_sessions(World(({Grant(1)}, {"hold_1"})), one, other)
    assert (one.ended, other.ended) == ([(1008, "conversation_taken_over", True)], [])


async def test_a_database_that_restarts_ends_no_session() -> None:
    one = make_session()
    world = World(OperationalError("down"), ({Grant(1)}, set()), (set(), set()))
    await check_sessions(world, one, times=2)
    assert not one.ended
    await check_sessions(world, one)
    assert one.ended


async def test_one_look_and_one_renewal_serve_all_sessions() -> None:
    """And what stores nothing holds nothing."""
    world = World(({Grant(1)}, set()))
    await check_sessions(world, *(make_session() for _ in range(100)), make_session(pk=None), times=3)
    assert (world.looks, world.renewals) == (3, 1)
    unstored = World(({Grant(1)}, set()))
    await check_sessions(unstored, make_session(pk=None))
    assert unstored.renewals == 0


async def test_without_sessions_there_is_no_query() -> None:
    world = World(())
    await check_sessions(world)
    assert world.looks == 0


async def test_an_announced_change_is_looked_at_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_sessions, "LOOK_SEC", 60.0)
    one = make_session()
    world = World(({Grant(1)}, set()), (set(), set()))
    watched = LiveSessions(world.look, world.renew)
    with watched.watch(one):
        async with asyncio.timeout(5):
            await world.has_looked.wait()  # as it joined: a word that came before was not heard
            assert not one.ended
            await connection_grants.announce_now(2)
            await connection_grants.announce_now(1)
            await one.has_ended.wait()
    assert world.looks == 2
    await watched.end()


async def test_a_server_that_stops_tells_those_who_come_late_too() -> None:
    early, late = make_session(), make_session()
    world = World(({Grant(1)}, set()))
    watched = LiveSessions(world.look, world.renew)
    with watched.watch(early):
        assert watched.count_ending(1) == 0
        early.is_detached = True
        assert watched.count_ending(1) == 1
        watched.stop()
        assert (early.ended, watched.count_ending(1)) == ([(1012, "server_restarting", True)], 1)
        with watched.watch(late):
            assert late.ended
    await watched.end()
