"""The cache in Redis, which the processes of a site share; while Redis is away, each has one in its memory.

So nothing that counts or remembers there fails: sign-in goes on, and its limits hold for each process by itself.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

from voiceproject.cache.bounded_cache import BoundedCache

AWAY_SEC = 2.0  # before Redis is asked again; one that hangs would hold every request for its time limit
logger = logging.getLogger(__name__)


@dataclass
class _Redis:
    """What this process knows of a Redis. Django makes a cache for every thread; they share this, and its sockets."""

    client: Any
    ask_at: float = 0.0  # of the monotonic clock: not before
    is_away: bool = False

    def lose(self, error: Exception) -> None:
        self.ask_at = time.monotonic() + AWAY_SEC
        if not self.is_away:
            logger.warning("Redis is away, so each process counts by itself: %s", type(error).__name__)
        self.is_away = True

    def find(self) -> None:
        if self.is_away:
            logger.warning("Redis is back.")
        self.is_away = False


_known: dict[str, _Redis] = {}


class SharedCache(RedisCache):
    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._redis = _known.setdefault(server, _Redis(self._cache))
        self._cache = self._redis.client
        self._memory = BoundedCache(f"while away: {server}", {**params, "OPTIONS": {}})

    def ping(self) -> bool:
        """Ask Redis itself, whether or not it was away a moment ago."""
        self._redis.ask_at = 0.0
        self.get("ping")
        return not self._redis.is_away

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() < self._redis.ask_at:
            return getattr(self._memory, name)(*args, **kwargs)
        try:
            answer = getattr(RedisCache, name)(self, *args, **kwargs)
        except (RedisError, OSError) as error:
            self._redis.lose(error)
            return getattr(self._memory, name)(*args, **kwargs)
        self._redis.find()
        return answer


def _degrading(name: str) -> Callable[..., Any]:
    def call(self: SharedCache, *args: Any, **kwargs: Any) -> Any:
        return self._call(name, *args, **kwargs)

    return call


for _name in (
    "add",
    "get",
    "set",
    "touch",
    "delete",
    "get_many",
    "has_key",
    "incr",
    "set_many",
    "delete_many",
    "clear",
):
    setattr(SharedCache, _name, _degrading(_name))
