"""Count what each user has open at the same time, over all processes of the site, in Redis.

A place is taken for some seconds and renewed while it is used, so that a process that was killed leaves none behind.
Without Redis, or while it is away, nobody counts here: each process still counts what is its own.
"""

from collections.abc import Collection
from typing import Any

from django.core.cache import caches

from voiceproject.cache.shared_cache import SharedCache

HELD_SEC = 30
# Redis's own clock, so that those of the machines need not agree. It runs each script as one step.
TAKE = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""
RENEW = """
redis.call('ZADD', KEYS[1], tonumber(redis.call('TIME')[1]) + ARGV[2], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""
Place = tuple[int, str]
"""A user, and a name for the place that no other has."""


def is_shared() -> bool:
    """Return whether the processes of this site share a Redis."""
    return _get_shared() is not None


def take(place: Place, most: int) -> bool:
    """Take a place for its user, who may have `most` in all, and return whether there was one left."""
    if (shared := _get_shared()) is None:
        return True
    key = _build_key(shared, place)
    taken = shared.ask(lambda redis: redis.eval(TAKE, 1, key, place[1], HELD_SEC, most))
    return taken is None or bool(taken)


def update(kept: Collection[Place], given_back: Collection[Place]) -> None:
    """Keep places for another HELD_SEC, also those that Redis has lost meanwhile, and give others back."""
    if not (kept or given_back) or (shared := _get_shared()) is None:
        return

    def ask(redis: Any) -> None:
        pipeline = redis.pipeline(transaction=False)
        for place in kept:
            pipeline.eval(RENEW, 1, _build_key(shared, place), place[1], HELD_SEC)
        for place in given_back:
            pipeline.zrem(_build_key(shared, place), place[1])
        pipeline.execute()

    shared.ask(ask)


def _get_shared() -> SharedCache | None:
    cache = caches["default"]
    return cache if isinstance(cache, SharedCache) else None


def _build_key(cache: SharedCache, place: Place) -> str:
    return str(cache.make_key(f"live-sessions.{place[0]}"))
