"""New migrations can run while the version before still serves: docs/operations.md, Migrations."""

import re
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

OURS = ("accounts", "conversations")
# The last ones that were written before the rule.
BASELINE = {"accounts": 9, "conversations": 15}
# Those that break it, with the reason. The changelog tells of them under Upgrading.
EXEMPT: dict[str, str] = {}
OLDEST_POSTGRES = "14"
# Of squawk's rules: matters of taste, what Django decides, and what `voiceproject/database/turns.py` sees to.
NOT_ASKED = (
    "prefer-bigint-over-int", "prefer-bigint-over-smallint", "prefer-identity", "prefer-robust-stmts",
    "prefer-text-field", "prefer-timestamp-tz", "ban-char-field", "require-lock-timeout", "require-statement-timeout",
)  # fmt: skip
# Old processes know nothing of the new column, and leave it out when they add a row.
NO_DEFAULT = re.compile(r"ADD COLUMN (\S+) (?=[^;]*NOT NULL)(?![^;]*DEFAULT)|ALTER COLUMN (\S+) DROP DEFAULT", re.I)


def list_new_migrations() -> Iterator[str]:
    """Yield "app.name" of those that the rule is for."""
    for app, name in sorted(MigrationLoader(None).disk_migrations):
        if app in OURS and int(name[:4]) > BASELINE[app] and f"{app}.{name}" not in EXEMPT:
            yield f"{app}.{name}"


def find_faults(sql: str) -> list[str]:
    """Return what is wrong with the SQL of a migration, as lines for people."""
    squawk = [str(Path(sys.executable).with_name("squawk")), "--reporter", "gcc", "--pg-version", OLDEST_POSTGRES,
              "--exclude", ",".join(NOT_ASKED)]  # fmt: skip
    found = subprocess.run(squawk, input=sql, capture_output=True, text=True, check=False)
    faults = [line for line in found.stdout.splitlines() if "warning" in line or "error" in line]
    assert found.returncode == bool(faults), found.stderr
    columns = [name for match in NO_DEFAULT.finditer(sql) for name in match.groups() if name]
    return faults + [
        f"{column} is NOT NULL without a default in the database: give it a db_default" for column in columns
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("migration", list(list_new_migrations()) or [pytest.param("", id="none")])
def test_new_ones_can_run_beside_old_processes(migration: str) -> None:
    if migration:
        app, _, name = migration.partition(".")
        sql = StringIO()
        call_command("sqlmigrate", app, name, stdout=sql)
        assert find_faults(sql.getvalue()) == []


def test_exempt_ones_are_there_and_say_why() -> None:
    there = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    assert EXEMPT.keys() <= there
    assert all(EXEMPT.values())


BAD = {
    "a column that old processes do not fill": (
        'ALTER TABLE "t" ADD COLUMN "a" integer DEFAULT 0 NOT NULL;\nALTER TABLE "t" ALTER COLUMN "a" DROP DEFAULT;'
    ),
    "a column without a default": 'ALTER TABLE "t" ADD COLUMN "a" integer NOT NULL;',
    "a column is dropped": 'ALTER TABLE "t" DROP COLUMN "a" CASCADE;',
    "a column is renamed": 'ALTER TABLE "t" RENAME COLUMN "a" TO "b";',
    "a table is renamed": 'ALTER TABLE "t" RENAME TO "u";',
    "a table is dropped": 'DROP TABLE "t" CASCADE;',
    "another type": 'ALTER TABLE "t" ALTER COLUMN "a" TYPE bigint USING "a"::bigint;',
    "NOT NULL at once": 'ALTER TABLE "t" ALTER COLUMN "a" SET NOT NULL;',
    "an index that locks": 'CREATE INDEX "i" ON "t" ("a");',
    "an index within a transaction": 'BEGIN;\nCREATE INDEX CONCURRENTLY "i" ON "t" ("a");\nCOMMIT;',
    "a check of all rows": 'ALTER TABLE "t" ADD CONSTRAINT "c" CHECK ("a" > 0);',
    "a foreign key": 'ALTER TABLE "t" ADD CONSTRAINT "c" FOREIGN KEY ("a") REFERENCES "u" ("id");',
    "unique at once": 'ALTER TABLE "t" ADD CONSTRAINT "c" UNIQUE ("a");',
}
GOOD = {
    "a new table": 'BEGIN;\nCREATE TABLE "t" ("id" bigint NOT NULL PRIMARY KEY, "a" varchar(10) NOT NULL);\nCOMMIT;',
    "a column that may be null": 'BEGIN;\nALTER TABLE "t" ADD COLUMN "a" varchar(10) NULL;\nCOMMIT;',
    "a column with a default": 'BEGIN;\nALTER TABLE "t" ADD COLUMN "a" varchar(10) DEFAULT \'\' NOT NULL;\nCOMMIT;',
    "an index": 'CREATE INDEX CONCURRENTLY "i" ON "t" ("a");',
    "a constraint": 'BEGIN;\nALTER TABLE "t" ADD CONSTRAINT "c" CHECK ("a" > 0) NOT VALID;\nCOMMIT;',
}


@pytest.mark.parametrize("sql", BAD.values(), ids=BAD)
def test_what_is_refused(sql: str) -> None:
    assert find_faults(sql)


@pytest.mark.parametrize("sql", GOOD.values(), ids=GOOD)
def test_what_is_right(sql: str) -> None:
    assert find_faults(sql) == []
