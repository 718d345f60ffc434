from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from pytest_django.fixtures import Settings

from tests.support.diagnosis import list_fine, list_problems
from voiceproject.doctor import database
from voiceproject.doctor.findings import Options

pytestmark = pytest.mark.django_db
GOOD: dict[str, Any] = {
    "version": 18,
    "version_text": "18.1",
    "most": 100,
    "reserved": 3,
    "encoding": "UTF8",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "is_read_only": False,
}


def test_it_works() -> None:
    """Its Postgres is the tests' own, which may lose what it was told."""
    found = list(database.check(Options()))
    assert [text.partition(" off")[0] for text in list_problems(found)] == [
        "Postgres has fsync, full_page_writes, synchronous_commit"
    ]
    assert "The tables fit the program." in list_fine(found)
    assert database.is_usable()


def test_what_is_well(settings: Settings) -> None:
    assert list_fine(database.judge(GOOD, 0.3)) == [
        "Postgres 18.1 can be reached.",
        "Postgres takes 100 connections, and each process of the site up to 20: room for 4 processes.",
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 13, "version_text": "13.9"}, "Postgres is 13.9"),
        ({"encoding": "SQL_ASCII"}, "SQL_ASCII"),
        ({"is_read_only": True}, "read-only"),
        ({"fsync": "off"}, "Postgres has fsync off"),
        ({"synchronous_commit": "off"}, "Postgres has synchronous_commit off"),
        ({"most": 20}, "too few for one"),
    ],
)
def test_problems(change: dict[str, Any], words: str) -> None:
    [text] = list_problems(database.judge({**GOOD, **change}, 0.0))
    assert words in text


@pytest.mark.parametrize("skew_sec", [30.0, -30.0])
def test_clocks_that_differ(skew_sec: float) -> None:
    [text] = list_problems(database.judge(GOOD, skew_sec))
    assert "differ by 30 seconds" in text


def test_it_cannot_be_reached(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    away = {**connection.get_connection_params(), "host": "127.0.0.1", "port": 1}
    monkeypatch.setattr(connection, "get_connection_params", lambda: away)
    [text] = list_problems(database.check(Options()))
    assert text.startswith("Postgres cannot be reached")
    assert not database.is_usable()


def test_tables_that_are_older() -> None:
    MigrationRecorder.Migration.objects.filter(app="conversations").latest("pk").delete()
    problems = list_problems(database.check(Options()))
    assert any("older than the program: 1 migration from conversations." in text for text in problems)
    assert not database.is_usable()


def test_tables_that_are_newer() -> None:
    MigrationRecorder.Migration.objects.create(app="conversations", name="9999_from_the_future")
    problems = list_problems(database.check(Options()))
    assert any("newer than the program" in text and "9999_from_the_future" in text for text in problems)
    assert database.is_usable()
