"""Probes. They answer before Django checks the host name and TLS, since a prober knows neither.

/healthz: whether this process is worth keeping. Its event loop turns, its threads take work, and its requests give
their connections to Postgres back. A Postgres that is away does not count, as no new process would find it either.

/readyz: whether this process can serve pages now. Postgres answers a query. Without Redis it can: "degraded", with 200.

/metrics: for Prometheus, of this process alone, and only with METRICS_TOKEN.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.db import connection
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from voiceproject import database
from voiceproject.cache.shared_cache import SharedCache
from voiceproject.database.base import get_request_share

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Application = Callable[[dict[str, Any], Any, Send], Awaitable[None]]
Answer = tuple[int, bytes]
WAIT_SEC = 3.0  # probers mostly wait 5 s
FRESH_SEC = 0.5  # an answer serves all who ask meanwhile: whoever can reach the probes cannot keep Postgres busy
logger = logging.getLogger(__name__)


def add_probes(application: Application) -> Application:
    """Return the application with the probes in front of it."""
    readiness = Readiness()

    async def probe_or_pass(scope: dict[str, Any], receive: Any, send: Send) -> None:
        if scope["path"] == "/healthz":
            await _answer(send, *await _check_health())
        elif scope["path"] == "/readyz":
            await _answer(send, *await readiness.ask())
        elif scope["path"] == "/metrics" and _may_read_metrics(scope["headers"]):
            await _answer(send, 200, generate_latest(), CONTENT_TYPE_LATEST)
        else:
            await application(scope, receive, send)

    return probe_or_pass


async def _check_health() -> Answer:
    try:
        async with asyncio.timeout(WAIT_SEC):
            await asyncio.to_thread(lambda: None)
    except TimeoutError:
        return 503, b"stuck: no thread is free\n"
    if get_request_share().is_stuck(time.monotonic()):
        return 503, b"stuck: requests keep all their connections to Postgres\n"
    return 200, b"ok\n"


class Readiness:
    """Whether the site can serve. One check at a time answers all who ask."""

    def __init__(self) -> None:
        self._look: asyncio.Task[Answer] | None = None
        self._begun_at = 0.0

    async def ask(self) -> Answer:
        """Return the status and the text of /readyz, at most FRESH_SEC old."""
        if self._look is None or (self._look.done() and time.monotonic() - self._begun_at > FRESH_SEC):
            self._look, self._begun_at = asyncio.create_task(asyncio.to_thread(_check_readiness)), time.monotonic()
        await asyncio.wait([self._look], timeout=WAIT_SEC)
        return self._look.result() if self._look.done() else (503, b"not ready\n")


def _check_readiness() -> Answer:
    database.serve_request()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception as error:  # whatever is down, in whichever library's words, the answer is the same
        logger.warning("Not ready: %s", type(error).__name__)
        return 503, b"not ready\n"
    finally:
        connection.close()
    return 200, b"ready\n" if _is_cache_shared() else b"degraded: Redis is away\n"


def _is_cache_shared() -> bool:
    shared = caches["default"]
    return not isinstance(shared, SharedCache) or shared.ping()


def _may_read_metrics(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    wanted = f"Bearer {settings.METRICS_TOKEN}".encode()
    given = dict(headers).get(b"authorization", b"")
    return bool(settings.METRICS_TOKEN) and secrets.compare_digest(given, wanted)


async def _answer(send: Send, status: int, body: bytes, content_type: str = "text/plain") -> None:
    headers = [(b"content-type", content_type.encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
