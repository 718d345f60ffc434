"""What is told to whom the server refuses before, or instead of, Django: the official shape below /v1/, else a line."""

import json
import logging
import sys
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from voiceproject.database import outages
from voiceproject.database.base import BusyError

logger = logging.getLogger(__name__)

API = "/v1/"
TOO_MANY_WRONG_KEYS = "Too many wrong keys came from your address. Check the key, and try again in {} s."


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal of a request. `retry_sec` 0: to try again is of no use. `kind`: the official error's type."""

    status: int
    code: str
    message: str
    kind: str = "invalid_request_error"
    retry_sec: int = 0

    def headers(self, path: str) -> dict[str, str]:
        kind = "application/json" if path.startswith(API) else "text/plain; charset=utf-8"
        retry = {"Retry-After": str(self.retry_sec)} if self.retry_sec else {}
        bearer = {"WWW-Authenticate": "Bearer"} if self.status == 401 else {}
        return {"Content-Type": kind, "Cache-Control": "no-store", **retry, **bearer}

    def body(self, path: str) -> bytes:
        if not path.startswith(API):
            return f"{self.message}\n".encode()
        error = {"message": self.message, "type": self.kind, "param": None, "code": self.code}
        return json.dumps({"error": error}, ensure_ascii=False).encode()

    def response(self, path: str) -> HttpResponse:
        return HttpResponse(self.body(path), status=self.status, headers=self.headers(path))


TOO_MANY_AT_ONCE = Refusal(
    429,
    "rate_limit_exceeded",
    "Too many of your requests are running at once. Wait for an answer before you send more.",
    "requests",
    retry_sec=5,
)
NO_KEY = Refusal(401, "invalid_api_key", "The API key is missing. Send it in the header Authorization: Bearer vp_…")
WRONG_KEY = Refusal(
    401, "invalid_api_key", "The API key is wrong or was revoked. Create one on the site's settings page."
)
BUSY = Refusal(503, "server_busy", "The site is too busy right now. Try again in a moment.", "server_error", 5)


AWAY = Refusal(
    503,
    "storage_unavailable",
    "The database of this site cannot be reached right now. Nothing is lost. Try again in a few seconds.",
    "server_error",
    5,
)


def wrong_keys(wait_sec: int) -> Refusal:
    return Refusal(429, "rate_limit_exceeded", TOO_MANY_WRONG_KEYS.format(wait_sec), "requests", wait_sec)


def server_error(request: HttpRequest) -> HttpResponse:
    """Return the page for a fault of ours: 500, or 503 for a database that is away or has too much to do.

    That is a line of the log, and no traceback.
    """
    error = sys.exc_info()[1]
    if error is None or not outages.is_passing(error):
        return defaults.server_error(request)
    refusal = BUSY if isinstance(error, BusyError) else AWAY
    logger.warning("%s %s: %s", refusal.code, request.path_info, outages.reason(error))
    response = refusal.response(request.path_info)
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django's own mark
    return response
