"""Probes. They answer before Django looks at the host name or at TLS, since a prober knows neither.

/healthz: the event loop turns. /readyz: Postgres and the cache answer too. /metrics: for Prometheus, of this process
alone, and only for who bears METRICS_TOKEN.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Application = Callable[[dict[str, Any], Any, Send], Awaitable[None]]
logger = logging.getLogger(__name__)


def with_probes(application: Application) -> Application:
    async def probe_or_pass(scope: dict[str, Any], receive: Any, send: Send) -> None:
        if scope["path"] == "/healthz":
            await _answer(send, 200, b"ok\n")
        elif scope["path"] == "/readyz":
            is_ready = await asyncio.to_thread(_is_ready)
            await _answer(send, *((200, b"ready\n") if is_ready else (503, b"not ready\n")))
        elif scope["path"] == "/metrics" and _may_measure(scope["headers"]):
            await _answer(send, 200, generate_latest(), CONTENT_TYPE_LATEST)
        else:
            await application(scope, receive, send)

    return probe_or_pass


def _is_ready() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        cache.get("readyz")
    except Exception as error:  # whatever is down, in whichever library's words, the answer is the same
        logger.warning("Not ready: %s", type(error).__name__)
        return False
    finally:
        connection.close()
    return True


def _may_measure(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    wanted = f"Bearer {settings.METRICS_TOKEN}".encode()
    given = dict(headers).get(b"authorization", b"")
    return bool(settings.METRICS_TOKEN) and secrets.compare_digest(given, wanted)


async def _answer(send: Send, status: int, body: bytes, content_type: str = "text/plain") -> None:
    headers = [(b"content-type", content_type.encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
