"""A site whose engines are the emulated upstream, and the official client to talk to it."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx2
import pytest
from openai import AsyncOpenAI

from accounts.keys import api_keys
from accounts.models import User
from conversations.models import Conversation
from tests.support import http_turns
from tests.support.factories import make_user
from tests.support.live import Site, run_site
from tests.support.official_client import Connect, Talk, synthesize_speech
from tests.upstream.fixtures import Upstream


@pytest.fixture(scope="session")
def site(database_url: str, upstream_process: Upstream) -> Iterator[Site]:
    env = {"OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream_process.openai_url, "ENGINE_TIMEOUT_SEC": "2"}
    with run_site(database_url, env) as running:
        yield running


@pytest.fixture
def user(committed_db: None) -> User:
    return make_user(email=f"{uuid4().hex}@example.com")


@pytest.fixture
def key(user: User) -> str:
    return api_keys.create(user, "tests")[1]


@pytest.fixture
def connect(site: Site, user: User, key: str, upstream: Upstream) -> Iterator[Connect]:
    """`async with connect(assistant=…) as talk` opens a session with the default `turn_detection`."""
    was_at_site = False

    @asynccontextmanager
    async def open_talk(key: str = key, url: str = site.url, **query: str) -> AsyncIterator[Talk]:
        nonlocal was_at_site
        was_at_site |= url == site.url
        client = AsyncOpenAI(api_key=key, base_url=f"{url}/v1", websocket_base_url=f"{url}/v1".replace("http", "ws"))
        async with client.realtime.connect(extra_query=query) as connection:
            yield Talk(connection)

    yield open_talk
    if was_at_site:
        _wait_until_ended(user)


def _wait_until_ended(user: User) -> None:
    """Wait until the user's sessions are over.

    One that its client has just left may still call the upstream, and would meet the next test's faults.
    """
    give_up_at = time.monotonic() + 5
    while user.conversations.filter(status=Conversation.Status.LIVE).exists() and time.monotonic() < give_up_at:
        time.sleep(0.02)


@pytest.fixture(scope="session")
def utterance() -> bytes:
    """About two seconds of speech."""
    return asyncio.run(synthesize_speech("Good morning, can you hear me well?"))


@pytest.fixture
async def caller(site: Site, key: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client for turns over HTTP."""
    async with http_turns.build_client(site, key) as opened:
        yield opened
