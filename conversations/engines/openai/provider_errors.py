"""Read the errors of providers, whatever their shape, and hold the table of their names.

OpenAI: {"error": {"message", "type", "code"}}. Gemini wraps that into a list, with a number as its code. Ollama:
{"error": "words"}. vLLM and Mistral: {"object": "error", "message", "type", "code"}. FastAPI: {"detail": "words"}.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

NO_CREDIT = {"insufficient_quota", "insufficient_balance", "billing_hard_limit_reached", "billing_not_active",
             "exceeded_current_quota_error", "quota_exceeded", "credit_balance_too_low"}  # fmt: skip
TOO_MANY = {"rate_limit_exceeded", "rate_limit_error", "rate_limited", "too_many_requests", "resource_exhausted"}
BAD_KEY = {"invalid_api_key", "authentication_error", "invalid_authentication_error", "unauthenticated"}
REFUSED = {"invalid_request_error", "invalid_argument", "model_not_found", "not_found_error", "failed_precondition"}
# A Realtime session has reached its longest time, an hour. Its account is well: another connection goes on.
SESSION_EXPIRED = "session_expired"
# Events of ours that came too late, or too early, to mean anything: nothing is lost.
COMMIT_EMPTY, CANCEL_NOT_ACTIVE = "input_audio_buffer_commit_empty", "response_cancel_not_active"
MAX_CODE = 60


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """What a provider says of a failure."""

    message: str = ""
    names: tuple[str, ...] = ()  # its code, type and status, in lower case
    status: int | None = None  # of HTTP, if the error itself names one

    def has_any(self, names: set[str]) -> bool:
        """Return whether the error goes by one of these names."""
        return not names.isdisjoint(self.names)


def parse_error(error: object) -> ErrorReport:
    """Return what `error` says. It may be a whole body, or the value of its key "error"."""
    if isinstance(error, list):
        return parse_error(error[0]) if error and not isinstance(error[0], list) else ErrorReport()
    if isinstance(error, str):
        return ErrorReport(message=error)
    if not isinstance(error, dict):
        return ErrorReport()
    inner = error.get("error")
    if isinstance(inner, dict | str) and inner:
        return _parse_fields(inner) if isinstance(inner, dict) else ErrorReport(message=inner)
    return _parse_fields(error)


def is_error(chunk: object) -> bool:
    """Return whether a chunk that came in place of a result reports a failure."""
    if isinstance(chunk, list):
        return bool(chunk) and not isinstance(chunk[0], list) and is_error(chunk[0])
    if not isinstance(chunk, dict):
        return False
    is_bare = "choices" not in chunk and isinstance(chunk.get("message") or chunk.get("detail"), str)
    return bool(chunk.get("error")) or chunk.get("object") == "error" or is_bare


def parse_retry_after_sec(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return how many seconds the provider asks to wait; None if it does not.

    The header may give milliseconds, seconds, or a date (RFC 9110, section 10.2.3).
    """
    seconds = _parse_number(headers.get("retry-after-ms", ""), 0.001) or _parse_number(headers.get("retry-after", ""))
    if seconds is None and (value := headers.get("retry-after")):
        try:
            until = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        seconds = (until.replace(tzinfo=until.tzinfo or UTC) - (now or datetime.now(UTC))).total_seconds()
    return None if seconds is None else max(0.0, seconds)


def _parse_fields(error: dict[str, Any]) -> ErrorReport:
    message = next((text for name in ("message", "detail", "msg") if (text := _get_text(error.get(name)))), "")
    code, kind, status = error.get("code"), error.get("type"), error.get("status")
    numbers = [number for number in (code, status) if type(number) is int and 400 <= number < 600]
    names = tuple(name.lower()[:MAX_CODE] for name in (code, kind, status) if isinstance(name, str) and name)
    return ErrorReport(message, names, numbers[0] if numbers else None)


def _get_text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _parse_number(value: str, unit: float = 1.0) -> float | None:
    try:
        number = float(value) * unit
    except ValueError:
        return None
    return number if isfinite(number) and number >= 0 else None
