"""What a client is told when the server refuses before, or instead of, Django.

Below /v1/ it has the official shape; elsewhere it is one line.
"""

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
    """A refusal of a request. `kind` is the type of the official error.

    `retry_sec` is when to try again; 0 if that is of no use.
    """

    status: int
    code: str
    message: str
    kind: str = "invalid_request_error"
    retry_sec: int = 0

    def build_headers(self, path: str) -> dict[str, str]:
        """Return the headers for a request to this path."""
        kind = "application/json" if path.startswith(API) else "text/plain; charset=utf-8"
        retry = {"Retry-After": str(self.retry_sec)} if self.retry_sec else {}
        bearer = {"WWW-Authenticate": "Bearer"} if self.status == 401 else {}
        return {"Content-Type": kind, "Cache-Control": "no-store", **retry, **bearer}

    def build_body(self, path: str) -> bytes:
        """Return the body for a request to this path."""
        if not path.startswith(API):
            return f"{self.message}\n".encode()
        error = {"message": self.message, "type": self.kind, "param": None, "code": self.code}
        return json.dumps({"error": error}, ensure_ascii=False).encode()

    def build_response(self, path: str) -> HttpResponse:
        """Return Django's response for a request to this path."""
        return HttpResponse(self.build_body(path), status=self.status, headers=self.build_headers(path))


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

SOUND_AWAY = Refusal(
    503,
    "storage_unavailable",
    "The storage of sound cannot be reached right now. Nothing is lost. Try again in a few seconds.",
    "server_error",
    5,
)


def build_wrong_keys_refusal(wait_sec: int) -> Refusal:
    """Return the refusal of an address that has shown too many wrong keys; it may try again in `wait_sec`."""
    return Refusal(429, "rate_limit_exceeded", TOO_MANY_WRONG_KEYS.format(wait_sec), "requests", wait_sec)


def answer_server_error(request: HttpRequest) -> HttpResponse:
    """Return the page for a fault of ours: 500, or 503 if the database or the storage of sound is away or busy.

    An outage leaves one line in the log, without a traceback.
    """
    error = sys.exc_info()[1]
    if error is None or not outages.is_passing(error):
        return defaults.server_error(request)
    refusal = _choose_refusal(error)
    logger.warning("%s %s: %s", refusal.code, request.path_info, outages.describe(error))
    response = refusal.build_response(request.path_info)
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django's own mark
    return response


def _choose_refusal(error: BaseException) -> Refusal:
    if isinstance(error, outages.FilesAwayError):
        return SOUND_AWAY
    return BUSY if isinstance(error, BusyError) else AWAY
