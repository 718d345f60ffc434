"""Several sites on one Postgres and one Redis, of which a test kills one after the other."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg
from django.core.exceptions import ImproperlyConfigured

from tests.support.chaos.chance import CHANCE
from tests.support.live import Site, run_site
from tests.support.patience import stretch
from voiceproject.local import embedded_postgres

# Nothing here cuts the power: what was written survives a kill without it.
SETTINGS = {"fsync": "off", "max_connections": "100"}
START_SEC = 60.0


class Servers:
    """`start_all` them; `kill_web` and `kill_postgres` end one with SIGKILL, and return once it is up again.

    Threads may kill different ones at the same time.
    """

    def __init__(self, folder: Path, env: Mapping[str, str], sites: int = 2) -> None:
        self._data_dir = folder / "postgres"
        self.url = embedded_postgres.start(self._data_dir, SETTINGS)
        self._env, self._count = {**env, "SPOOL_DIR": str(folder / "spool")}, sites
        self.spool = folder / "spool"
        self._running: dict[int, tuple[Site, ExitStack]] = {}
        self.tracebacks: list[str] = []

    def start_all(self) -> None:
        for number in range(self._count):
            self._start(number)

    def stop_all(self) -> None:
        for number in list(self._running):
            self._leave(number)

    @property
    def sites(self) -> list[Site]:
        return [site for site, _ in list(self._running.values())]  # others may be stopped and started meanwhile

    def make_key(self) -> str:
        """Return an API key of a new user."""
        site = self.sites[0]
        person = {"DJANGO_SUPERUSER_EMAIL": "chaos@example.com", "DJANGO_SUPERUSER_PASSWORD": "correct horse"}
        site.manage("createsuperuser", "--noinput", **person)
        return site.manage("create_api_key", "chaos@example.com").stdout.split()[-1]

    def choose_url(self) -> str:
        """Return the socket's address of one of the sites that are up."""
        return CHANCE.choice([site.ws_url for site in self.sites])

    def _start(self, number: int) -> None:
        stack = ExitStack()
        give_up_at = time.monotonic() + stretch(START_SEC)
        while number not in self._running:
            try:
                self._running[number] = stack.enter_context(run_site(self.url, self._env)), stack
            except RuntimeError:  # it says so where Postgres is away at this moment
                if time.monotonic() > give_up_at:
                    raise

    def _leave(self, number: int) -> None:
        site, stack = self._running.pop(number)
        stack.close()
        self.tracebacks += [site.log] if "Traceback" in site.log else []

    def kill_web(self, number: int) -> None:
        site, _ = self._running[number]
        site.process.kill()
        self._leave(number)
        self._start(number)

    def restart_web(self, number: int) -> None:
        """Stop a site in good order, while nobody new is sent to it, and start another one in its place."""
        site, stack = self._running.pop(number)
        site.process.terminate()
        assert site.process.wait(stretch(START_SEC)) == 0
        stack.close()
        self.tracebacks += [site.log] if "Traceback" in site.log else []
        self._start(number)

    def kill_postgres(self) -> None:
        """Kill the server's first process, or one that serves a connection, which makes it restart them all."""
        pids = self._list_pids()
        self._kill_and_wait(pids[0], pids)

    def kill_backend(self) -> None:
        with psycopg.connect(self.url) as connection:
            query = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> %s"
            pids = [pid for (pid,) in connection.execute(query, [connection.info.backend_pid])]
        if pids:
            with suppress(ProcessLookupError):
                os.kill(CHANCE.choice(pids), signal.SIGKILL)
        self._wait_until(self._answers)

    def _kill_and_wait(self, pid: int, all_of_them: list[int]) -> None:
        os.kill(pid, signal.SIGKILL)
        self._wait_until(lambda: not any(map(is_running, all_of_them)))
        self._wait_until(self._start_postgres)

    def _start_postgres(self) -> bool:
        """Start it, and return False if what is left of the old one still ends."""
        try:
            embedded_postgres.start_again(self._data_dir, SETTINGS)
        except ImproperlyConfigured:
            return False
        return self._answers()

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    @staticmethod
    def _wait_until(is_so: Callable[[], bool]) -> None:
        give_up_at = time.monotonic() + stretch(START_SEC)
        while not is_so():
            assert time.monotonic() < give_up_at
            time.sleep(0.05)

    def _list_pids(self) -> list[int]:
        postmaster = int((self._data_dir / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        return [postmaster, *map(int, children)]


def is_running(pid: int) -> bool:
    """Return whether a process runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
