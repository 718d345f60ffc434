"""A network that is slow, stands still, or resets connections amid a reply: all of the reply arrives, once."""

import asyncio
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed

from conversations.pcm import BYTES_PER_MS
from tests.support.fault_proxy import FaultProxy
from tests.support.live import Site
from tests.support.official_client import load_items
from tests.support.polling import poll
from tests.support.resuming_client import ResumingClient, ask_for_a_long_reply, resuming_client
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db", "connect")


@pytest.fixture
def proxy(site: Site) -> Iterator[FaultProxy]:
    proxy = FaultProxy(int(site.url.rpartition(":")[2]))
    yield proxy
    proxy.close()


async def is_stored(client: ResumingClient) -> bool:
    return [item.status for item in await load_items(client.conversation_id)] == ["completed", "completed"]


async def hear_to_the_end(client: ResumingClient) -> int:
    """Hear the reply, and return how often the client had to come back."""
    times = 0
    while True:
        try:
            await client.wait_for("response.done")
        except ConnectionClosed:
            times += 1
            assert (await client.resume())["type"] == "session.resumed"
        else:
            return times


@pytest.mark.parametrize(("fault", "times"), [("delay", 0), ("throttle", 0), ("stall", 0), ("reset", 1)])
async def test_a_reply_arrives_whole(proxy: FaultProxy, key: str, upstream: Upstream, fault: str, times: int) -> None:
    async with resuming_client(proxy.ws_url, key) as client:
        reply = await ask_for_a_long_reply(client, upstream, sentences=2)
        if fault == "delay":
            proxy.delay_sec = 0.02
        elif fault == "throttle":
            proxy.bytes_per_sec = 200_000
        elif fault == "stall":
            proxy.stall()
            await poll(lambda: is_stored(client))
            proxy.go_on()
        else:
            await asyncio.to_thread(proxy.reset_after, 50_000)
        assert await hear_to_the_end(client) == times
        assert "".join(client.collect("response.output_audio_transcript.delta")).split() == reply.split()
        heard_ms = len(client.collect_audio()) // BYTES_PER_MS
    await poll(lambda: is_stored(client))
    item = (await load_items(client.conversation_id))[1]
    assert abs(item.clip.duration_ms - heard_ms) < 100
