"""A database as one file, by Postgres's own pg_dump and pg_restore: those of the embedded Postgres, or the system's."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from django.db import connection
from psycopg import pq
from psycopg.conninfo import make_conninfo

from voiceproject.local import embedded_postgres

LAST_LINES = 3
LISTED = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"


class DumpError(Exception):
    """A database cannot be dumped or restored. The message says why and what to do, without a password."""


def dump(target: Path) -> None:
    """Write the whole database into a file that only its owner may read: whole or not at all. Raise DumpError."""
    if target.exists():
        raise DumpError(f"{target} is already there.")
    draft = target.with_name(f"{target.name}.part")
    try:
        draft.unlink(missing_ok=True)  # of a try that was killed
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        _run("pg_dump", "--format=custom", f"--file={draft}")
        draft.rename(target)
    except OSError as error:
        raise DumpError(f"{target} cannot be written: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)


def restore(source: Path) -> None:
    """Read a dump into the database, which must be empty: all of it or nothing. Raise DumpError."""
    if not source.is_file():
        raise DumpError(f"There is no file {source}.")
    with connection.cursor() as cursor:
        cursor.execute(LISTED)
        if cursor.fetchone()[0]:
            raise DumpError("The database is not empty. Restore into a new one, so that nothing is overwritten.")
    connection.close()
    # Its owner may have another name here, and only a superuser may comment on extensions.
    _run("pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-comments",
         str(source))  # fmt: skip


def _run(name: str, *arguments: str) -> None:
    parameters, password = _read_parameters()
    command = [_find_command(name), *arguments, f"--dbname={make_conninfo(**parameters)}"]
    # Not among the arguments, which every user of the machine can list.
    environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if result.returncode:
        raise DumpError("; ".join(result.stderr.strip().splitlines()[-LAST_LINES:]) or f"{name} failed.")


def _read_parameters() -> tuple[dict[str, Any], str]:
    """Return the parameters of the connection that libpq knows, without the password, and the password."""
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    parameters = {name: value for name, value in connection.get_connection_params().items() if name in known}
    return parameters, str(parameters.pop("password", ""))


def _find_command(name: str) -> str:
    if embedded_postgres.is_installed():
        return str(embedded_postgres.find_binary(name))
    if found := shutil.which(name):
        return found
    raise DumpError(f"{name} is not installed here. With compose, the postgres container has it: docs/operations.md.")
