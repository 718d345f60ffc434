"""A Redis that is emptied, slow or hangs, amid a call: the call goes on, and what Redis only speeds up happens."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
import redis
from asgiref.sync import sync_to_async

from accounts.keys import api_keys
from accounts.models import APIKey, User
from tests.support.chaos.caller import REPLIES, TRANSCRIPTS
from tests.support.live import Site, run_redis
from tests.support.official_client import Connect
from tests.support.official_fixtures import connect, key, site, user, utterance
from tests.support.sockets import receive_ending
from tests.upstream.fixtures import Upstream

__all__ = ["connect", "key", "site", "user", "utterance"]
pytestmark = pytest.mark.usefixtures("committed_db")
SLOW_SEC, AWAKE_SEC = 0.4, 0.02


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    with run_redis(tmp_path) as url:
        yield url


@contextmanager
def empty(client: redis.Redis) -> Iterator[None]:
    """Take all keys, those of the channel layer's groups too."""
    client.flushall()
    yield


@contextmanager
def stop(client: redis.Redis) -> Iterator[None]:
    """Let it neither answer nor close anything."""
    pid = client.info("server")["process_id"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def drag(client: redis.Redis) -> Iterator[None]:
    """Let it run for a small part of the time only, so that each answer takes up to SLOW_SEC."""
    pid = client.info("server")["process_id"]
    is_over = Event()

    def take_turns() -> None:
        while not is_over.is_set():
            os.kill(pid, signal.SIGSTOP)
            is_over.wait(SLOW_SEC)
            os.kill(pid, signal.SIGCONT)
            is_over.wait(AWAKE_SEC)

    thread = Thread(target=take_turns)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@pytest.mark.parametrize("fault", [empty, drag, stop])
async def test_a_call_goes_on_and_newcomers_come_in(
    start_site: Callable[..., Site], redis_url: str, connect: Connect, user: User, upstream: Upstream,
    utterance: bytes, fault: Callable[..., object],
) -> None:  # fmt: skip
    # By default a reply repeats what was said, whose echo the same words would then be while it is played.
    upstream.script(TRANSCRIPTS[:50], REPLIES[:50])
    env = {"OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream.openai_url, "REDIS_URL": redis_url}
    site = await asyncio.to_thread(start_site, **env)
    with redis.Redis.from_url(redis_url) as client:
        async with connect(url=site.url) as talk:
            await talk.say(utterance)
            await talk.wait_for("response.done")
            with fault(client):  # type: ignore[attr-defined]
                await talk.say(utterance)
                assert (await talk.wait_for("response.done"))["response"]["status"] == "completed"
                async with connect(url=site.url, conversation=talk.conversation_id) as newcomer:
                    await newcomer.wait_for("conversation.created")
                    assert await receive_ending(talk) == ("conversation_taken_over", 1008)
                    await newcomer.type("Are you there?")
                    assert (await newcomer.wait_for("response.done"))["response"]["status"] == "completed"
                    await revoke_all(user)
                    assert await receive_ending(newcomer) == ("invalid_api_key", 1008)
    assert "Traceback" not in site.log


@sync_to_async
def revoke_all(user: User) -> None:
    for one in APIKey.objects.filter(user=user):
        api_keys.revoke(one)
