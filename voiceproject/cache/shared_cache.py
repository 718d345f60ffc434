"""The cache in Redis, which the processes of a site share. While Redis is away, each process uses its own memory.

The same goes for one that is full, which refuses to write rather than give up what others count on (noeviction). So
nothing that counts or remembers there fails: people can sign in, and limits hold for each process by itself.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import OutOfMemoryError, RedisError

from voiceproject.cache.bounded_cache import BoundedCache

AWAY_SEC = 2.0  # before Redis is asked again; one that hangs would hold every request for its time limit
FULL_SEC = 10.0  # before a full one is written to again: what is counted meanwhile is in one place
logger = logging.getLogger(__name__)
T = TypeVar("T")
WRITES = {"add", "set", "incr", "set_many"}  # for which a full Redis has no room


@dataclass
class _Redis:
    """What this process knows of a Redis server.

    Django makes a cache for every thread; they all share this, and its sockets.
    """

    client: Any
    ask_at: float = 0.0  # of the monotonic clock: not before
    is_away: bool = False
    full_until: float = 0.0  # so long, at least, nothing is written
    is_full: bool = False

    def mark_away(self, error: Exception) -> None:
        """Note that Redis failed, and ask it again only after AWAY_SEC."""
        self.ask_at = time.monotonic() + AWAY_SEC
        if not self.is_away:
            logger.warning("Redis is away, so each process counts by itself: %s", type(error).__name__)
        self.is_away = True

    def mark_back(self) -> None:
        """Note that Redis answered."""
        if self.is_away:
            logger.warning("Redis is back.")
        self.is_away = False

    def mark_full(self) -> None:
        """Note that Redis has no room, and write to it again only after FULL_SEC."""
        self.full_until = time.monotonic() + FULL_SEC
        if not self.is_full:
            logger.error("Redis is full, so each process counts by itself until it has room: raise its maxmemory")
        self.is_full = True

    def note_write(self) -> None:
        """Note that Redis has taken something."""
        if self.is_full:
            logger.warning("Redis has room again.")
        self.is_full = False

    def is_usable(self) -> bool:
        """Return whether the cache is in Redis now, and not in memory."""
        return time.monotonic() >= max(self.ask_at, self.full_until)


_known: dict[str, _Redis] = {}


class SharedCache(RedisCache):
    """A cache in Redis with a cache in memory behind it."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._redis = _known.setdefault(server, _Redis(self._cache))
        self._cache = self._redis.client
        self._memory = BoundedCache(f"while away: {server}", {**params, "OPTIONS": {}})

    def ping(self) -> bool:
        """Return whether Redis answers now and has room, even if it was away a moment ago."""
        self._redis.ask_at = 0.0
        if self._redis.is_full:
            self.set("ping", 1, timeout=1)  # once FULL_SEC has passed; maybe nobody else writes for long
        else:
            self.get("ping")
        return not (self._redis.is_away or self._redis.is_full)

    def ask(self, question: Callable[[Any], T]) -> T | None:
        """Return what `question` makes of a client of Redis itself, or None while Redis is away, or too full for it."""
        if time.monotonic() < self._redis.ask_at:
            return None
        try:
            answer = question(self._cache.get_client(write=True))
        except OutOfMemoryError:
            self._redis.mark_full()
            return None
        except (RedisError, OSError) as error:
            self._redis.mark_away(error)
            return None
        self._redis.mark_back()
        return answer

    def ask_server(self) -> dict[str, Any]:
        """Return what Redis says of itself (INFO). Raise RedisError or OSError while it is away."""
        answer: dict[str, Any] = self._cache.get_client(None).info()
        return answer

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call this method of the cache in Redis, or of the cache in memory while Redis is away or full."""
        if not self._redis.is_usable():
            return getattr(self._memory, name)(*args, **kwargs)
        try:
            answer = getattr(RedisCache, name)(self, *args, **kwargs)
        except OutOfMemoryError:
            self._redis.mark_full()
            return getattr(self._memory, name)(*args, **kwargs)
        except (RedisError, OSError) as error:
            self._redis.mark_away(error)
            return getattr(self._memory, name)(*args, **kwargs)
        self._redis.mark_back()
        if name in WRITES:
            self._redis.note_write()
        return answer


def _wrap_with_fallback(name: str) -> Callable[..., Any]:
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
    setattr(SharedCache, _name, _wrap_with_fallback(_name))
