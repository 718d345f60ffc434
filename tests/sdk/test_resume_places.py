"""Who comes back to a session has a place among all that a user may have, over two processes."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import redis.asyncio as redis
from websockets.exceptions import ConnectionClosed

from tests.support.live import Site
from tests.support.official_client import is_over
from tests.support.polling import poll
from tests.support.redis_remains import check_that_nothing_is_left, list_keys
from tests.support.resuming_client import ResumingClient, resuming_client
from tests.upstream.fixtures import Upstream
from voiceproject.cache.user_places import AWAY

pytestmark = pytest.mark.usefixtures("committed_db", "connect")


@asynccontextmanager
async def begin_once_there_is_room(site: Site, key: str) -> AsyncIterator[ResumingClient]:
    """Begin a session as soon as the place of one that waits for its client may be taken."""
    client = ResumingClient(site.ws_url, key)

    async def has_begun() -> bool:
        with suppress(ConnectionClosed):
            await client.begin()
            return True
        return False

    await poll(has_begun)
    client.events = [event for event in client.events if event["type"] != "error"]
    yield client
    await client.socket.close()


async def has_kept_place(redis_url: str) -> bool:
    async with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        places = [await client.zrange(key, 0, -1) for key in await list_keys(redis_url, "*live-sessions*")]
    return any(str(name).startswith(AWAY) for names in places for name in names)


async def test_a_place_that_somebody_else_has_is_not_taken_twice(
    start_sites: Callable[..., tuple[Site, Site]], key: str, upstream: Upstream, redis_url: str
) -> None:
    """The limit holds over both processes: who comes back has no more than any other."""
    here, there = start_sites(MAX_SESSIONS_PER_USER="1")
    async with resuming_client(here.ws_url, key) as client:
        await client.type("Hello.")
        await client.wait_for("response.done")
        client.cut()
        async with begin_once_there_is_room(there, key) as newcomer:
            assert (await client.resume(conversation=client.conversation_id))["type"] == "error"
            assert client.events[-1]["error"]["code"] == "too_many_sessions"
            await newcomer.type("Hello.")
            await newcomer.wait_for("response.done")
        await poll(lambda: is_over(newcomer.conversation_id))
        assert (await client.resume(conversation=client.conversation_id))["type"] == "session.created"
    await check_that_nothing_is_left(redis_url)


async def test_a_place_that_is_free_is_taken_again(
    start_sites: Callable[..., tuple[Site, Site]], key: str, upstream: Upstream, redis_url: str
) -> None:
    here, there = start_sites(MAX_SESSIONS_PER_USER="1")
    async with resuming_client(here.ws_url, key) as client:
        await client.type("Hello.")
        await client.wait_for("response.done")
        client.cut()
        await poll(lambda: has_kept_place(redis_url))
        client.go_to(there)
        assert (await client.resume())["type"] == "session.resumed"
        newcomer = ResumingClient(there.ws_url, key)
        await newcomer._open({})
        assert await newcomer.receive_ending() == ("too_many_sessions", 1008)
    await check_that_nothing_is_left(redis_url)
