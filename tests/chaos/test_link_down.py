"""The client's network is gone for ten seconds amid a reply: it hears all of the reply, once and in order."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from asgiref.sync import sync_to_async

from conversations.audio import opus
from conversations.pcm import BYTES_PER_MS
from tests.support.chaos.network import HOST_ADDRESS, Network, NotPermittedError, make_network
from tests.support.live import Site
from tests.support.official_client import load_items
from tests.support.resuming_client import WORDS
from tests.upstream.fixtures import Upstream

log = logging.getLogger(__name__)
pytestmark = pytest.mark.timeout(0)
DOWN_SEC = 10.0
SENTENCES = 20  # three quarters of a minute
WINDOW = 24_000  # a second


@pytest.fixture
def network() -> Iterator[Network]:
    try:
        with make_network() as made:
            yield made
    except NotPermittedError as error:
        pytest.skip(f"no network can be made here: {error}")


@pytest.fixture
def far_site(start_site: Callable[..., Site], upstream: Upstream) -> Site:
    """A site that is reached over the link."""
    env = {"OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream.openai_url}
    return start_site(**env, HOST=HOST_ADDRESS, ALLOWED_HOSTS=HOST_ADDRESS)


def resembles(heard: bytes, stored: bytes) -> bool:
    """Return whether two recordings are the same in each second, but for what encoding does to one of them."""
    size = min(len(heard), len(stored)) // 2
    one, other = (np.frombuffer(pcm[: 2 * size], np.int16).astype(float) for pcm in (heard, stored))
    for start in range(0, size - WINDOW, WINDOW):
        a, b = one[start : start + WINDOW], other[start : start + WINDOW]
        if a @ b < 0.9 * np.sqrt((a @ a) * (b @ b)):
            return False
    return True


@pytest.mark.usefixtures("committed_db")
async def test_the_reply_is_heard_whole_and_once(
    network: Network, far_site: Site, key: str, upstream: Upstream
) -> None:
    upstream.behave("chat", piece_ms=100)
    upstream.script(replies=(WORDS * SENTENCES,))
    client = network.start("tests.support.chaos.away_client", far_site.ws_url, key)
    try:
        assert client.stdout
        assert await asyncio.to_thread(client.stdout.readline) == "begun\n"
        network.set_link(up=False)
        await asyncio.sleep(DOWN_SEC)  # the outage itself
        network.set_link(up=True)
        heard = json.loads(await asyncio.to_thread(client.stdout.read))
    finally:
        client.kill()
        client.communicate()
    assert (heard["end"], heard["firsts"], heard["repeated"]) == ("response.done", ["session.resumed"], 0)
    assert heard["words"].split() == (WORDS * SENTENCES).split()
    sound = bytes.fromhex(heard["sound"])
    reply = (await load_items(heard["conversation"]))[1]
    stored = opus.decode(await sync_to_async(lambda: reply.clip.file.read())())
    log.info(
        "%.1f s of sound; away for %.1f s after it was noticed", len(sound) / BYTES_PER_MS / 1000, heard["away_sec"]
    )
    assert reply.status == "completed"
    assert abs(len(sound) - len(stored)) < 100 * BYTES_PER_MS
    assert resembles(sound, stored)
