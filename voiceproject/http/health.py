"""Probes. They answer before Django checks the host name and TLS, since a prober knows neither.

/healthz: whether this process is worth keeping. Its event loop turns, its threads take work, and its requests give
their connections to Postgres back. A Postgres that is away does not count, as no new process would find it either.

/readyz: whether this process can serve now, and if not, what is missing, as JSON. 503 if it cannot. Without Redis it
can: "degraded", with 200.

/metrics: for Prometheus, and only with METRICS_TOKEN.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from django.conf import settings
from prometheus_client import CONTENT_TYPE_LATEST

from voiceproject.database.base import get_request_share
from voiceproject.http.readiness import WAIT_SEC, Readiness, summarize
from voiceproject.metrics import exposition, figures

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Application = Callable[[dict[str, Any], Any, Send], Awaitable[None]]


def add_probes(application: Application) -> Application:
    """Return the application with the probes in front of it."""
    readiness = Readiness()
    if settings.METRICS_DIR:
        figures.keep_recording()

    async def probe_or_pass(scope: dict[str, Any], receive: Any, send: Send) -> None:
        if scope["path"] == "/healthz":
            await _answer(send, *await _check_health())
        elif scope["path"] == "/readyz":
            await _tell_readiness(send, await readiness.check())
        elif scope["path"] == "/metrics" and _may_read_metrics(scope["headers"]):
            await readiness.check()  # which is a metric, too
            await _answer(send, 200, await asyncio.to_thread(exposition.render), CONTENT_TYPE_LATEST)
        else:
            await application(scope, receive, send)

    return probe_or_pass


async def _check_health() -> tuple[int, bytes]:
    try:
        async with asyncio.timeout(WAIT_SEC):
            await asyncio.to_thread(lambda: None)
    except TimeoutError:
        return 503, b"stuck: no thread is free\n"
    if get_request_share().is_stuck(time.monotonic()):
        return 503, b"stuck: requests keep all their connections to Postgres\n"
    return 200, b"ok\n"


async def _tell_readiness(send: Send, checks: Mapping[str, str]) -> None:
    status = summarize(checks)
    body = json.dumps({"status": status, "checks": checks}).encode() + b"\n"
    await _answer(send, 503 if status == "not ready" else 200, body, "application/json")


def _may_read_metrics(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    wanted = f"Bearer {settings.METRICS_TOKEN}".encode()
    given = dict(headers).get(b"authorization", b"")
    return bool(settings.METRICS_TOKEN) and secrets.compare_digest(given, wanted)


async def _answer(send: Send, status: int, body: bytes, content_type: str = "text/plain") -> None:
    headers = [(b"content-type", content_type.encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
