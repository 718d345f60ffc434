"""What is left in Redis of clients that came back by way of another process."""

import redis.asyncio as redis

from tests.support.polling import poll


async def list_keys(redis_url: str, pattern: str) -> list[str]:
    async with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        return [key for key in map(str, await client.keys(pattern)) if "group" not in key]


async def check_that_nothing_is_left(redis_url: str) -> None:
    """Wait until no message lies in the channel layer that nobody reads, and no place is held."""

    async def is_empty() -> bool:
        return not (await list_keys(redis_url, "asgi*") or await list_keys(redis_url, "*live-sessions*"))

    await poll(is_empty)
