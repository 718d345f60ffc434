"""Postgres: whether it can be reached, is new enough, durable, up to date, and has room for the pool."""

import time
from collections.abc import Iterator
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from psycopg.rows import dict_row

from voiceproject.database.base import Connection
from voiceproject.doctor.findings import Finding, Options, count, fine, problem

OLDEST = 14
MOST_SKEW_SEC = 2.0
OURS = ("accounts", "conversations")
FACTS = """
    SELECT current_setting('server_version_num')::int / 10000 AS version,
           current_setting('server_version') AS version_text,
           current_setting('max_connections')::int AS most,
           current_setting('superuser_reserved_connections')::int
               + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved,
           current_setting('server_encoding') AS encoding,
           current_setting('fsync') AS fsync,
           current_setting('full_page_writes') AS full_page_writes,
           current_setting('synchronous_commit') AS synchronous_commit,
           current_setting('transaction_read_only') = 'on' AS is_read_only,
           extract(epoch FROM clock_timestamp())::float AS now"""


def check(_: Options) -> Iterator[Finding]:
    """Look at Postgres itself."""
    try:
        facts, skew_sec = _ask()
    except psycopg.Error as error:
        yield problem(
            f"Postgres cannot be reached: {' '.join(str(error).split())}",
            "Start it, or mend DATABASE_URL.",
        )
        return
    yield from judge(facts, skew_sec)
    yield from _judge_migrations()


def is_usable() -> bool:
    """Return whether Postgres answers, and has the tables of this version."""
    try:
        _connect().close()
    except psycopg.Error:
        return False
    pending, _ = _compare_migrations()
    return not pending


def _connect() -> psycopg.Connection[dict[str, Any]]:
    """Connect without the pool, which would keep trying and hide the reason."""
    parameters = {**connection.get_connection_params(), "connect_timeout": 5, "row_factory": dict_row}
    for name in ("pool", "cursor_factory"):
        parameters.pop(name, None)
    return Connection.connect(**parameters)


def _ask() -> tuple[dict[str, Any], float]:
    """Return what Postgres says of itself, and how many seconds its clock is ahead of this machine's."""
    with _connect() as asked:
        before = time.time()
        facts = asked.execute(FACTS).fetchone() or {}
        after = time.time()
    behind, ahead = facts["now"] - after, facts["now"] - before  # it lies between the two
    return facts, ahead if ahead < 0 else max(behind, 0.0)


def judge(facts: dict[str, Any], skew_sec: float) -> Iterator[Finding]:
    """Yield what Postgres's own facts tell."""
    if facts["version"] < OLDEST:
        yield problem(f"Postgres is {facts['version_text']}.", f"Upgrade it: the site needs {OLDEST} or newer.")
    else:
        yield fine(f"Postgres {facts['version_text']} can be reached.")
    if facts["encoding"] != "UTF8":
        yield problem(
            f"The database stores text as {facts['encoding']}, which does not know all letters.",
            "Make one with ENCODING 'UTF8', and move the data: docs/operations.md.",
        )
    if facts["is_read_only"]:
        yield problem(
            "The database is read-only, so nothing that is said can be stored.",
            "Point DATABASE_URL to the primary, or end what keeps it read-only.",
        )
    if risky := [name for name in ("fsync", "full_page_writes", "synchronous_commit") if facts[name] == "off"]:
        yield problem(
            f"Postgres has {', '.join(risky)} off: when the machine fails, words are lost that people were told of.",
            f"Set {', '.join(f'{name} = on' for name in risky)}.",
        )
    yield _judge_room(facts)
    if abs(skew_sec) > MOST_SKEW_SEC:
        yield problem(
            f"The clocks of this machine and of Postgres differ by {abs(skew_sec):,.0f} seconds.",
            "Let both keep time by NTP: sign-in codes, invitations and limits depend on it.",
        )


def _judge_room(facts: dict[str, Any]) -> Finding:
    size = settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"]
    room = (facts["most"] - facts["reserved"]) // size
    text = f"Postgres takes {count(facts['most'], 'connection')}, and each process of the site up to {size}: "
    if room:
        return fine(f"{text}room for {room} process{'' if room == 1 else 'es'}.")
    return problem(f"{text}too few for one.", "Raise max_connections, or lower DATABASE_POOL_SIZE.")


def _compare_migrations() -> tuple[list[str], list[str]]:
    """Return the migrations that the database lacks, and those of ours that this version of the site does not know."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    unknown = set(executor.loader.applied_migrations) - set(executor.loader.disk_migrations)
    replaced = {old for one in executor.loader.disk_migrations.values() for old in one.replaces}
    return (
        [f"{one.app_label}.{one.name}" for one, _ in plan],
        sorted(f"{app}.{name}" for app, name in unknown - replaced if app in OURS),
    )


def _judge_migrations() -> Iterator[Finding]:
    pending, unknown = _compare_migrations()
    if pending:
        yield problem(
            f"The tables are older than the program: {count(len(pending), 'migration')} from {pending[0]} on.",
            "Start the site, which brings them up to date, or run manage.py migrate.",
        )
    if unknown:
        yield problem(
            f"The tables are newer than the program: it does not know {', '.join(unknown[:3])}.",
            "Run the newer version again. How to go back: docs/operations.md.",
        )
    if not pending and not unknown:
        yield fine("The tables fit the program.")
