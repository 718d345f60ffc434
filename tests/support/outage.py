"""A Postgres of its own that a test can take away from a site, and give back."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from voiceproject.local import embedded_postgres


class Server:
    """A Postgres with its own settings. `stop` looks to its clients like a crash."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self.url = embedded_postgres.start(data_dir, {"fsync": "off", "max_connections": "30"})

    def stop(self) -> None:
        embedded_postgres.run(self._data_dir, "pg_ctl", "stop", "--wait", "--mode=immediate")

    def start(self) -> None:
        embedded_postgres.start_again(self._data_dir, {"fsync": "off", "max_connections": "30"})

    @contextmanager
    def take_away(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def hang(self) -> Iterator[None]:
        """Stop the server's processes, so that it neither answers nor closes anything."""
        pids = self._list_pids()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    @contextmanager
    def slow_down(self) -> Iterator[None]:
        """Let whatever concerns items wait, as behind somebody's long transaction."""
        with psycopg.connect(self.url) as connection:
            connection.execute("LOCK TABLE conversations_item IN ACCESS EXCLUSIVE MODE")
            yield

    @contextmanager
    def make_read_only(self) -> Iterator[None]:
        self._set("on")
        try:
            yield
        finally:
            self._set("off")

    @contextmanager
    def fill_up(self) -> Iterator[None]:
        """Take every connection, and cut those of the site, also those that it makes anew meanwhile."""
        held = [psycopg.connect(self.url, autocommit=True)]
        try:
            self._fill(held)
            while self._cut_all_but(held):
                self._fill(held)
            yield
        finally:
            for connection in held:
                connection.close()

    def _fill(self, held: list[psycopg.Connection]) -> None:
        with suppress(psycopg.OperationalError):  # none is left
            while True:
                held.append(psycopg.connect(self.url))

    @staticmethod
    def _cut_all_but(held: Sequence[psycopg.Connection]) -> int:
        """Cut all other clients, and return how many there were."""
        pids = [connection.info.backend_pid for connection in held]
        others = """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> ALL(%s)"""
        return held[0].execute(others, [pids]).rowcount

    def _set(self, value: str) -> None:
        with psycopg.connect(self.url, autocommit=True, options="-c default_transaction_read_only=off") as connection:
            connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
            connection.execute("SELECT pg_reload_conf()")

    def _list_pids(self) -> list[int]:
        postmaster = int((self._data_dir / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        return [postmaster, *map(int, children)]
