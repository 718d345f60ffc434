"""`WORKERS`: one command, one port, several processes that count together."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from uuid import uuid4

import httpx2
import pytest
from asgiref.sync import sync_to_async
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket

from accounts.keys import api_keys
from accounts.models import User
from tests.support.live import Site, get_metrics, manage, run_site
from tests.support.patience import stretch
from tests.support.polling import poll
from tests.support.sockets import build_authorization, receive_first, receive_refusal

TOKEN = "metrics-of-two"
pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture(scope="module")
def site(database_url: str) -> Iterator[Site]:
    """Each of its two processes holds two sessions, and each user may have three."""
    env = {"WORKERS": "2", "MAX_SESSIONS": "2", "MAX_SESSIONS_PER_USER": "3", "METRICS_TOKEN": TOKEN}
    with run_site(database_url, env) as site:
        yield site


async def connect(sockets: AsyncExitStack, site: Site, headers: dict[str, str]) -> ClientConnection:
    return await sockets.enter_async_context(open_socket(f"{site.ws_url}/v1/realtime", additional_headers=headers))


@pytest.fixture
async def sockets() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def make_headers() -> dict[str, str]:
    user = await sync_to_async(User.objects.create_user)(f"{uuid4().hex}@example.com")
    return build_authorization((await sync_to_async(api_keys.create)(user, "tests"))[1])


async def test_nobody_is_told_busy_while_any_process_has_room(site: Site, sockets: AsyncExitStack) -> None:
    """And what a user has counts over all of them, at once and no longer than it lasts."""
    one, another = await make_headers(), await make_headers()
    talks = [await connect(sockets, site, one) for _ in range(3)]
    assert [(await receive_first(talk))["type"] for talk in talks] == ["session.created"] * 3
    assert await receive_refusal(await connect(sockets, site, one)) == ("too_many_sessions", 1008)
    last = await connect(sockets, site, another)
    assert (await receive_first(last))["type"] == "session.created"
    assert await receive_refusal(await connect(sockets, site, another)) == ("server_busy", 1013)
    await talks[0].close()

    async def has_room() -> bool:
        talk = await connect(sockets, site, one)
        return bool((await receive_first(talk))["type"] == "session.created")

    await poll(has_room)


async def test_it_starts_redis_and_says_how_many_serve(site: Site) -> None:
    assert "with 2 processes" in site.log
    async with httpx2.AsyncClient(base_url=site.url, timeout=stretch(10)) as client:
        assert (await client.get("/readyz")).status_code == 200
        assert "degraded" not in (await client.get("/readyz")).text


async def test_each_tells_the_numbers_of_all(site: Site, sockets: AsyncExitStack) -> None:
    """Also of sessions that the other process has, and of the other process itself."""

    async def is_told() -> bool:
        told = (await asyncio.to_thread(get_metrics, site, f"Bearer {TOKEN}"))[2]
        wanted = ["voiceproject_session_capacity 4.0", "voiceproject_live_sessions 2.0"]
        wanted += [f'process_resident_memory_bytes{{worker="{number}"}}' for number in (1, 2)]
        return all(one in told for one in wanted)

    headers = await make_headers()
    for _ in range(2):
        await receive_first(await connect(sockets, site, headers))
    for _ in range(4):  # whichever process answers
        await poll(is_told)


@pytest.mark.parametrize("wrong", ["0", "-1", "many", "1.5", "65"])
def test_a_wrong_number_is_said(wrong: str) -> None:
    result = manage("check", env={"WORKERS": wrong})
    assert result.stderr == f"Cannot start: WORKERS is {wrong!r}; use a whole number from 1 to 64, or auto.\n"


def test_it_stops_as_one_process_does(site: Site) -> None:
    site.process.terminate()
    assert site.process.wait(stretch(20)) == 0
    assert "Traceback" not in site.log
