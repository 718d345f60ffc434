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
    told: list[str] = field(default_factory=list)
    detached_at: float | None = None
    is_in_turn: bool = False

    @property
    def machine(self) -> Any:
        return self

    has_ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_ending(self) -> bool:
        return bool(self.ended)

    def announce_end(self, error_code: str, message: str) -> None:
        self.told.append(error_code)

    def hang_up(self, code: int, gone_at: float | None = None) -> None:
        self.ended.append((code, gone_at))

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
        early.detached_at = 7.0
        assert (watched.count_ending(1), watched.count_waiting(1)) == (0, 1)
        early.detached_at = None
        watched.stop()
        assert (early.ended, watched.count_ending(1)) == ([(1012, "server_restarting", True)], 1)
        with watched.watch(late):
            assert late.ended
    await watched.end()


async def test_a_server_that_stops_lets_turns_end_first() -> None:
    idle, busy, away = make_session(), make_session(), make_session()
    busy.is_in_turn, away.detached_at = True, 7.0
    watched = LiveSessions(World(({Grant(1)}, set())).look, World(({Grant(1)}, set())).renew)
    with ExitStack() as stack:
        for session in (idle, busy, away):
            stack.enter_context(watched.watch(session))
        finishing = asyncio.create_task(watched.finish_turns(60))
        await idle.has_ended.wait()
        assert (busy.told, busy.ended, away.ended) == (["server_restarting"], [], [(1006, 7.0)])
        busy.is_in_turn = False
        await finishing
        assert busy.ended == [(1012, "server_restarting", True)]
    await watched.end()


async def test_a_turn_without_an_end_is_not_waited_for() -> None:
    busy = make_session()
    busy.is_in_turn = True
    watched = LiveSessions(World(({Grant(1)}, set())).look, World(({Grant(1)}, set())).renew)
    with watched.watch(busy):
        await watched.finish_turns(0)
        assert busy.ended == []
        watched.stop()
        assert busy.ended
    await watched.end()
