"""How many requests a user may make in a minute.

Counted in Django's cache, so for all processes together where they share a Redis. allauth's own limits do not fit: they
let every GET through, tell nobody what is left, and hold a lock over a list of times.
"""

import logging
import time
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache

from conversations.api.errors import APIError

log = logging.getLogger(__name__)

WINDOW_SEC = 60  # fixed windows: one atomic count each; over the border of two, twice as many may pass


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left to a user of the current minute."""

    limit: int
    used: int
    reset_sec: int

    def build_headers(self) -> dict[str, str]:
        """Return the headers that tell it, as the official API names and writes them."""
        return {
            "x-ratelimit-limit-requests": str(self.limit),
            "x-ratelimit-remaining-requests": str(max(0, self.limit - self.used)),
            "x-ratelimit-reset-requests": f"{self.reset_sec}s",
        }


def count(user_id: int, now: float | None = None) -> Allowance:
    """Count one request of the user, and return what is left.

    `now` is in epoch seconds. While the cache is down nothing is counted and everybody passes.
    """
    now = time.time() if now is None else now
    window, passed_sec = divmod(int(now), WINDOW_SEC)
    try:
        used = _increment(f"api-requests.{user_id}.{window}")
    except Exception as error:  # whatever is down, in whichever library's words
        log.warning("requests are not counted for now: %s", type(error).__name__)
        used = 0
    return Allowance(settings.API_REQUESTS_PER_MIN, used, WINDOW_SEC - passed_sec)


def find_refusal(allowance: Allowance) -> APIError | None:
    """Return the 429 if the request that was counted last is one too many, else None."""
    if allowance.used <= allowance.limit:
        return None
    return APIError(
        429,
        "rate_limit_exceeded",
        f"You have reached the limit of {allowance.limit} requests a minute. Wait {allowance.reset_sec} s.",
        kind="requests",
        headers={"Retry-After": str(allowance.reset_sec)},
    )


def _increment(key: str) -> int:
    """Add one to a counter of this minute, and return its value."""
    try:
        return cache.incr(key)
    except ValueError:  # the first of its minute, unless another process is just making it
        return 1 if cache.add(key, 1, WINDOW_SEC) else cache.incr(key)
