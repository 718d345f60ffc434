"""Count what each user has open at the same time, over all processes of the site, in Redis.

A place is taken for some seconds and renewed while it is used, so that a process that was killed leaves none behind.
One that is kept for somebody who may come back is marked (`AWAY`): where no other is free, a newcomer gets it.
Without Redis, or while it is away, nobody counts here: each process still counts what is its own.
"""

from collections.abc import Collection
from typing import Any

from django.core.cache import caches

from voiceproject.cache.shared_cache import SharedCache

HELD_SEC = 30
# Redis's own clock, so that those of the machines need not agree. It runs each script as one step.
AWAY = "~"  # how the name of a place begins that is kept for somebody who is away
TAKE = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local free = redis.call('ZREM', KEYS[1], ARGV[4] .. ARGV[1]) == 1 or redis.call('ZSCORE', KEYS[1], ARGV[1])
free = free or redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[3])
if not free and ARGV[5] == '1' then
  for _, name in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    if string.sub(name, 1, 1) == ARGV[4] then
      redis.call('ZREM', KEYS[1], name)
      free = true
      break
    end
  end
end
if not free then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""
RENEW = """
redis.call('ZREM', KEYS[1], ARGV[3] .. ARGV[1])
redis.call('ZADD', KEYS[1], tonumber(redis.call('TIME')[1]) + ARGV[2], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""
# Not once a newcomer has it.
KEEP = """
local away = ARGV[3] .. ARGV[1]
if redis.call('ZREM', KEYS[1], ARGV[1]) == 1 or redis.call('ZSCORE', KEYS[1], away) then
  redis.call('ZADD', KEYS[1], tonumber(redis.call('TIME')[1]) + ARGV[2], away)
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
"""
Place = tuple[int, str]
"""A user, and a name for the place that no other has."""


def is_shared() -> bool:
    """Return whether the processes of this site share a Redis."""
    return _get_shared() is not None


def take(place: Place, most: int) -> bool:
    """Take a place for its user, who may have `most` in all, and return whether there was one left."""
    return _take(place, most, displaces=True)


def take_back(place: Place, most: int) -> bool:
    """Take a place again that was kept, and return False if a newcomer has it and no other is free."""
    return _take(place, most, displaces=False)


def _take(place: Place, most: int, *, displaces: bool) -> bool:
    if (shared := _get_shared()) is None:
        return True
    key = _build_key(shared, place)
    taken = shared.ask(lambda redis: redis.eval(TAKE, 1, key, place[1], HELD_SEC, most, AWAY, int(displaces)))
    return taken is None or bool(taken)


def update(used: Collection[Place], kept: Collection[Place], given_back: Collection[Place]) -> None:
    """Renew places for another HELD_SEC, and give others back.

    Those that are `used` are taken again where Redis lost them, those that are `kept` for somebody who is away are not.
    """
    if not (used or kept or given_back) or (shared := _get_shared()) is None:
        return

    def ask(redis: Any) -> None:
        pipeline = redis.pipeline(transaction=False)
        for place in used:
            pipeline.eval(RENEW, 1, _build_key(shared, place), place[1], HELD_SEC, AWAY)
        for place in kept:
            pipeline.eval(KEEP, 1, _build_key(shared, place), place[1], HELD_SEC, AWAY)
        for place in given_back:
            pipeline.zrem(_build_key(shared, place), place[1], AWAY + place[1])
        pipeline.execute()

    shared.ask(ask)


def _get_shared() -> SharedCache | None:
    cache = caches["default"]
    return cache if isinstance(cache, SharedCache) else None


def _build_key(cache: SharedCache, place: Place) -> str:
    return str(cache.make_key(f"live-sessions.{place[0]}"))
