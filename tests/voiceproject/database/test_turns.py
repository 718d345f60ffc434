"""Processes that start together take turns, and what the first one does keeps nobody out for long."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import OperationalError, connection, connections

from tests.support.patience import stretch
from voiceproject.database import turns
from voiceproject.database.turns import take_turns

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def table(committed_db: None) -> Iterator[str]:
    name = f"scratch_{uuid4().hex}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {name} (a integer)")
        yield name
        cursor.execute(f"DROP TABLE {name}")


def take_turn() -> bool:
    try:
        with take_turns():
            return True
    finally:
        connections.close_all()


def test_who_waits_holds_up_no_index(table: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        with take_turns(), connection.cursor() as cursor:
            waiting = pool.submit(take_turn)
            while not is_somebody_waiting(cursor):
                pass
            cursor.execute(f"SET statement_timeout = {stretch(20) * 1000:.0f}")
            cursor.execute(f"CREATE INDEX CONCURRENTLY ON {table} (a)")
            cursor.execute("RESET statement_timeout")
            assert not waiting.done()
        assert waiting.result(stretch(20))


def is_somebody_waiting(cursor: Any) -> bool:
    asks = "query LIKE 'SELECT pg_try_advisory_lock%' AND pid <> pg_backend_pid()"
    cursor.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {asks}")  # noqa: S608
    return bool(cursor.fetchone()[0])


def test_a_table_that_somebody_reads_is_not_waited_for(
    table: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "LOCK_WAIT_MS", 100)
    with psycopg.connect(database_url) as reader:
        reader.execute(f"LOCK TABLE {table} IN ACCESS SHARE MODE")
        with pytest.raises(OperationalError, match="lock timeout"), take_turns(), connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} ADD COLUMN b integer")
    connection.close()
    assert take_turn()


def test_it_leaves_no_time_limit_behind(table: str) -> None:
    with take_turns(), connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX CONCURRENTLY ON {table} (a)")
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("5s",)
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)
