"""A Postgres of its own that a test can take away from a site, and give back."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from voiceproject import embedded_postgres


class Server:
    """Settings are those of the running server; `stop` is as a crash is for its clients."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self.url = embedded_postgres.start(data_dir, {"fsync": "off", "max_connections": "30"})

    def stop(self) -> None:
        embedded_postgres.run(self._data_dir, "pg_ctl", "stop", "--wait", "--mode=immediate")

    def start(self) -> None:
        embedded_postgres.start_again(self._data_dir, {"fsync": "off", "max_connections": "30"})

    @contextmanager
    def away(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """It neither answers nor closes anything."""
        pids = self._pids()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    @contextmanager
    def read_only(self) -> Iterator[None]:
        self._set("on")
        try:
            yield
        finally:
            self._set("off")

    @contextmanager
    def full(self) -> Iterator[None]:
        """Others hold every connection, and those of the site are cut."""
        with psycopg.connect(self.url, autocommit=True) as ours:
            own = ours.info.backend_pid
            held = []
            try:
                ours.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> %s", [own])
                while True:
                    try:
                        held.append(psycopg.connect(self.url))
                    except psycopg.OperationalError:
                        break
                yield
            finally:
                for connection in held:
                    connection.close()

    def _set(self, value: str) -> None:
        with psycopg.connect(self.url, autocommit=True, options="-c default_transaction_read_only=off") as connection:
            connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
            connection.execute("SELECT pg_reload_conf()")

    def _pids(self) -> list[int]:
        postmaster = int((self._data_dir / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        return [postmaster, *map(int, children)]
