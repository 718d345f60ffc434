"""A process that gets too little of the processor: newcomers are told, and who talks goes on."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import connect as open_socket

from tests.support.live import Site
from tests.support.official_client import Connect
from tests.support.polling import poll
from tests.support.sockets import build_authorization, receive_first
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db")
AWAY_SEC, HERE_SEC = 0.6, 0.05


@asynccontextmanager
async def starve(site: Site) -> AsyncIterator[None]:
    """Let the process run for a small part of the time only, as if others had its core."""

    async def take_turns() -> None:
        try:
            while True:
                site.process.send_signal(signal.SIGSTOP)
                await asyncio.sleep(AWAY_SEC)
                site.process.send_signal(signal.SIGCONT)
                await asyncio.sleep(HERE_SEC)
        finally:
            site.process.send_signal(signal.SIGCONT)

    task = asyncio.create_task(take_turns())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def knock(site: Site, key: str) -> str:
    """Return what a newcomer is told first: an error's code, or the type of the event."""
    async with open_socket(f"{site.ws_url}/v1/realtime", additional_headers=build_authorization(key)) as socket:
        event = await receive_first(socket)
        return str(event["error"]["code"] if event["type"] == "error" else event["type"])


async def test_newcomers_are_told_and_who_talks_goes_on(
    start_site: Callable[..., Site], key: str, connect: Connect, upstream: Upstream
) -> None:
    env = {"OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream.openai_url}
    site = await asyncio.to_thread(start_site, **env)

    async def is_told(what: str) -> bool:
        return await knock(site, key) == what

    async with connect(url=site.url) as talk:
        await talk.wait_for("conversation.created")
        async with starve(site):
            await poll(lambda: is_told("server_busy"))
            await talk.type("Are you there?")
            assert (await talk.wait_for("response.done"))["response"]["status"] == "completed"
        await poll(lambda: is_told("session.created"))
    assert "Traceback" not in site.log
