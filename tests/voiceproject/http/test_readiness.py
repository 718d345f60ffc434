"""What /readyz tells: each thing that is missing by its name, in a bounded time."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from conversations.loop_lag import LAG
from conversations.session.live_sessions import LIVE_SESSIONS
from voiceproject.http import readiness
from voiceproject.http.readiness import Look, Migrations, Readiness, summarize

READY = dict.fromkeys(("database", "migrations", "cache", "event_loop", "sessions"), "ok")


@pytest.fixture
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(readiness, "MIGRATIONS_SEC", 0.0)
    yield
    LIVE_SESSIONS.is_stopping = False


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_fresh")
async def test_it_works() -> None:
    assert await Readiness().check() == READY
    assert summarize(READY) == "ready"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_fresh")
async def test_a_process_that_ends_its_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    LIVE_SESSIONS.is_stopping = True
    monkeypatch.setattr(LAG, "measure_sec", lambda now: 1.5)
    assert await Readiness().check() == {**READY, "sessions": "ending", "event_loop": "late"}


@pytest.mark.django_db
@pytest.mark.usefixtures("_fresh")
def test_missing_migrations() -> None:
    migrations, recorder = Migrations(), MigrationRecorder(connection)
    newest = MigrationLoader(connection).graph.leaf_nodes("conversations")[0]
    recorder.record_unapplied(*newest)
    assert not migrations.are_applied()
    recorder.record_applied(*newest)
    assert migrations.are_applied()
    recorder.record_unapplied(*newest)
    assert migrations.are_applied()  # what was there stays, so that a look costs one statement


@pytest.mark.parametrize(
    ("missing", "status"),
    [
        ({"cache": "away"}, "degraded"),
        ({"cache": "away", "event_loop": "late"}, "not ready"),
        ({"database": "OperationalError", "migrations": "unknown"}, "not ready"),
    ],
)
def test_what_can_be_done_without(missing: dict[str, str], status: str) -> None:
    assert summarize({**READY, **missing}) == status


async def test_a_look_that_hangs_is_not_waited_for_and_not_begun_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "WAIT_SEC", 0.01)
    begun, may_end = [], threading.Event()

    def hang() -> dict[str, str]:
        begun.append(1)
        may_end.wait(20)
        return {"database": "ok"}

    look = Look(hang, {"database": "no answer"})
    try:
        told = await asyncio.gather(*(look.ask() for _ in range(100)))
    finally:
        may_end.set()
    assert told == [{"database": "no answer"}] * 100
    assert len(begun) == 1
    monkeypatch.setattr(readiness, "WAIT_SEC", 20.0)
    assert await look.ask() == {"database": "ok"}


async def test_an_answer_serves_all_who_ask_shortly_after() -> None:
    begun: list[int] = []
    look = Look(lambda: begun.append(1) or {"database": "ok"}, {})  # type: ignore[func-returns-value]
    for _ in range(50):
        assert await look.ask() == {"database": "ok"}
    assert len(begun) < 50
