"""Whether this process can serve: what /readyz tells, and in which words."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

from django.core.cache import caches
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from conversations import metrics
from conversations.loop_lag import LAG
from conversations.session.live_sessions import LIVE_SESSIONS
from voiceproject import database
from voiceproject.cache.shared_cache import SharedCache

Found = Mapping[str, str]
OK = "ok"
WAIT_SEC = 3.0  # probers mostly wait 5 s
FRESH_SEC = 0.5  # an answer serves all who ask meanwhile: whoever can reach the probes cannot keep Postgres busy
# Above MAX_LOOP_LAG_MS newcomers are told that the server is busy, and all else goes on. So late, nothing does.
LATE_SEC = 1.0
MIGRATIONS_SEC = 5.0  # between two looks for them, while some are missing
NOT_NEEDED = {"cache"}  # without it the process counts by itself
logger = logging.getLogger(__name__)


class Look:
    """A look that runs in a thread, one at a time, and answers all who ask meanwhile and shortly after."""

    def __init__(self, look: Callable[[], Found], unanswered: Found) -> None:
        self._look, self._unanswered = look, unanswered
        self._running: asyncio.Task[Found] | None = None
        self._begun_at = 0.0

    async def ask(self) -> Found:
        """Return what was found at most FRESH_SEC ago, or that there is no answer within WAIT_SEC."""
        if self._running is None or (self._running.done() and time.monotonic() - self._begun_at > FRESH_SEC):
            self._running, self._begun_at = asyncio.create_task(asyncio.to_thread(self._look)), time.monotonic()
        await asyncio.wait([self._running], timeout=WAIT_SEC)
        return self._running.result() if self._running.done() else self._unanswered


class Readiness:
    """What this process needs to serve."""

    def __init__(self) -> None:
        self._migrations = Migrations()
        no_answer = f"no answer within {WAIT_SEC:g} s"
        self._looks = (
            Look(self._look_at_database, {"database": no_answer, "migrations": "unknown"}),
            Look(_look_at_cache, {"cache": no_answer}),
        )

    async def check(self) -> dict[str, str]:
        """Return "ok", or what is wrong in a word, for each thing that is needed."""
        found = await asyncio.gather(*(look.ask() for look in self._looks))
        is_late = LAG.measure_sec(time.monotonic()) > LATE_SEC
        checks = {name: word for one in found for name, word in one.items()}
        checks |= {"event_loop": "late" if is_late else OK, "sessions": "ending" if LIVE_SESSIONS.is_stopping else OK}
        for name, word in checks.items():
            metrics.set_ready(name, word == OK)
        return checks

    def _look_at_database(self) -> Found:
        database.serve_request()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            return {"database": OK, "migrations": OK if self._migrations.are_applied() else "missing"}
        except Exception as error:  # whatever is down, in whichever library's words, the answer is the same
            logger.warning("Not ready: %s", type(error).__name__)
            return {"database": type(error).__name__, "migrations": "unknown"}
        finally:
            connection.close()


class Migrations:
    """Whether the tables are what this code expects. Once they are, nobody takes that back."""

    def __init__(self) -> None:
        self._applied = False
        self._look_at = 0.0

    def are_applied(self) -> bool:
        """Return whether all migrations of this code were applied. Raise DatabaseError."""
        if not self._applied and time.monotonic() >= self._look_at:
            executor = MigrationExecutor(connection)
            self._applied = not executor.migration_plan(executor.loader.graph.leaf_nodes())
            self._look_at = time.monotonic() + MIGRATIONS_SEC
        return self._applied


def _look_at_cache() -> Found:
    shared = caches["default"]
    return {"cache": OK if not isinstance(shared, SharedCache) or shared.ping() else "away"}


def summarize(checks: Found) -> str:
    """Return "ready", "degraded" if only what can be done without is missing, or "not ready"."""
    failed = {name for name, word in checks.items() if word != OK}
    if not failed:
        return "ready"
    return "degraded" if failed <= NOT_NEEDED else "not ready"
