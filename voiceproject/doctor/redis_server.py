"""Redis: whether it answers, is new enough, has room, and passes a message on."""

import asyncio
from collections.abc import Iterator
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.core.cache import caches
from redis.exceptions import RedisError

from voiceproject.cache.shared_cache import SharedCache
from voiceproject.doctor.findings import Finding, Options, fine, note, problem

OLDEST = 5  # channels-redis takes messages by BZPOPMIN
FULL = 0.9
WAIT_SEC = 5.0


def check(_: Options) -> Iterator[Finding]:
    """Look at Redis."""
    cache = caches["default"]
    if not isinstance(cache, SharedCache):
        yield fine("There is no Redis: enough for one process, which keeps in memory what it counts and caches.")
        return
    try:
        info: dict[str, Any] = cache.ask_server()
    except (RedisError, OSError) as error:
        yield problem(
            f"Redis cannot be reached: {type(error).__name__}.",
            "Start it, or mend REDIS_URL. Until then each process counts by itself.",
        )
        return
    yield from judge(info)
    yield _pass_message()


def judge(info: dict[str, Any]) -> Iterator[Finding]:
    """Yield what Redis says of itself (its INFO) tells."""
    version = str(info["redis_version"])
    if int(version.partition(".")[0]) < OLDEST:
        yield problem(f"Redis is {version}.", f"Upgrade it: the site needs {OLDEST} or newer.")
    most, policy = int(info.get("maxmemory", 0)), str(info.get("maxmemory_policy", ""))
    if not most:
        yield note(
            "Redis may take all the memory of its machine.",
            "Set maxmemory, such as 512mb, with maxmemory-policy noeviction.",
        )
    elif policy != "noeviction":
        yield problem(
            f"When Redis is full it silently throws away messages between processes, and what users have open "
            f"(maxmemory-policy {policy}).",
            "Set maxmemory-policy noeviction: then it says that it is full, and each process goes on by itself.",
        )
    if most and int(info["used_memory"]) > FULL * most:
        yield note(
            f"Redis uses {int(info['used_memory']) / most:.0%} of its maxmemory.",
            "Raise maxmemory, or lower SPEECH_CACHE_MB.",
        )


def _pass_message() -> Finding:
    try:
        async_to_sync(_send_and_receive)()
    except (RedisError, OSError, TimeoutError) as error:
        return problem(
            f"Redis answers, but does not pass a message from one process to another: {type(error).__name__}.",
            "The site's user in Redis must be allowed Lua scripts, sorted sets and pub/sub.",
        )
    return fine("Redis answers, and passes messages between processes on.")


async def _send_and_receive() -> None:
    layer: Any = get_channel_layer()
    async with asyncio.timeout(WAIT_SEC):
        name = await layer.new_channel("doctor")
        await layer.send(name, {"type": "doctor"})
        await layer.receive(name)
