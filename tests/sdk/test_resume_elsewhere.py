"""A client that comes back to its session by way of another process: who may, what it gets, and what it is told."""

import asyncio
from collections.abc import Callable

import pytest

from accounts.keys import api_keys
from accounts.models import User
from conversations.models import Conversation
from tests.support.factories import make_user
from tests.support.live import Site
from tests.support.official_client import FRAME, is_over, load_items
from tests.support.patience import stretch
from tests.support.polling import poll
from tests.support.redis_remains import check_that_nothing_is_left
from tests.support.resuming_client import NOT_RESUMABLE, ResumingClient, ask_for_a_long_reply, resuming_client
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db", "connect")


@pytest.fixture
def sites(start_sites: Callable[..., tuple[Site, Site]]) -> tuple[Site, Site]:
    return start_sites()


async def test_a_reply_goes_on_by_way_of_another_process(
    sites: tuple[Site, Site], key: str, upstream: Upstream, utterance: bytes
) -> None:
    here, there = sites
    async with resuming_client(here.ws_url, key) as client:
        reply = await ask_for_a_long_reply(client, upstream)
        client.cut()
        client.go_to(there)
        assert (await client.resume())["type"] == "session.resumed"
        await client.wait_for("response.done")
        assert "".join(client.collect("response.output_audio_transcript.delta")).split() == reply.split()
        upstream.script(transcripts=("Heard by way of another process.",))
        for start in range(0, len(utterance), FRAME):
            await client.send_frame(utterance[start : start + FRAME])
        await client.send_frame(bytes(10 * FRAME))
        await client.wait_for("response.done")
        client.cut()
        client.go_to(here)
        assert (await client.resume())["type"] == "session.resumed"
        await client.change_to(there)
    words = [item.text for item in await load_items(client.conversation_id) if item.role == "user"]
    assert words == ["Go on.", "Heard by way of another process."]


async def test_who_came_by_another_process_is_told_that_the_first_one_is_gone(
    sites: tuple[Site, Site], key: str, upstream: Upstream
) -> None:
    """The conversation goes on, with what was heard of the reply."""
    here, there = sites
    async with resuming_client(here.ws_url, key) as client:
        await client.change_to(there)
        await ask_for_a_long_reply(client, upstream, sentences=50)
        here.process.kill()
        assert await client.receive_ending() == ("server_lost", 1012)
        conversation = Conversation.objects.filter(public_id=client.conversation_id)
        await poll(conversation.filter(status=Conversation.Status.BROKE_OFF).aexists)
        assert (await client.resume(conversation=client.conversation_id))["type"] == "session.created"
        await client.type("Are you still there?")
        await client.wait_for("response.done")
    statuses = [item.status for item in await load_items(client.conversation_id)]
    assert statuses == ["completed", "incomplete", "completed", "completed"]


async def test_the_token_is_for_nobody_else_there_either(
    sites: tuple[Site, Site], key: str, upstream: Upstream, user: User, redis_url: str
) -> None:
    here, there = sites
    stranger = await asyncio.to_thread(make_user, email="stranger.elsewhere@example.com")
    _, other_key = await asyncio.to_thread(api_keys.create, stranger, "tests")
    async with resuming_client(here.ws_url, key) as client:
        client.cut()
        thief = ResumingClient(there.ws_url, other_key)
        await thief._open({"resume": client.token, "after": client.last_event_id})
        assert await thief.receive_ending() == NOT_RESUMABLE
        client.go_to(there)
        assert (await client.resume())["type"] == "session.resumed"
    await check_that_nothing_is_left(redis_url)


async def test_a_token_that_is_used_twice_at_once(
    sites: tuple[Site, Site], key: str, upstream: Upstream, redis_url: str
) -> None:
    """The later one has the session, the other one is closed, whichever process each has reached."""
    here, there = sites
    async with resuming_client(here.ws_url, key) as client:
        await client.type("Hello.")
        await client.wait_for("response.done")
        client.cut()
        twin = client.make_twin(there)
        await asyncio.gather(client.resume(), twin.resume(), return_exceptions=True)
        closing = {asyncio.create_task(one.socket.wait_closed()): one for one in (client, twin)}
        async with asyncio.timeout(stretch()):
            (closed,), _ = await asyncio.wait(closing, return_when=asyncio.FIRST_COMPLETED)
        loser = closing.pop(closed)
        ((waiting, winner),) = closing.items()
        waiting.cancel()
        assert loser.socket.close_code == 1000
        await winner.type("Are you there?")
        await winner.wait_for("response.done")
        await winner.socket.close()
    assert len(await load_items(client.conversation_id)) == 4
    await check_that_nothing_is_left(redis_url)


async def test_a_session_whose_process_stops_is_not_gone_on_with(
    sites: tuple[Site, Site], key: str, upstream: Upstream
) -> None:
    here, there = sites
    async with resuming_client(here.ws_url, key) as client:
        await ask_for_a_long_reply(client, upstream, sentences=50)
        here.process.terminate()
        await client.wait_for("session.ending")
        client.cut()
        client.go_to(there)
        assert (await client.resume(conversation=client.conversation_id))["type"] == "session.created"
        await client.type("Are you there?")
        await client.wait_for("response.done")


async def test_a_token_that_has_expired(
    start_sites: Callable[..., tuple[Site, Site]], key: str, upstream: Upstream, redis_url: str
) -> None:
    here, there = start_sites(RESUME_SEC="1")
    async with resuming_client(here.ws_url, key) as client:
        await client.type("Hello.")
        await client.wait_for("response.done")
        client.cut()
        await poll(lambda: is_over(client.conversation_id))
        client.go_to(there)
        await client._open({"resume": client.token, "after": client.last_event_id})
        assert await client.receive_ending() == NOT_RESUMABLE
        assert (await client.resume(conversation=client.conversation_id))["type"] == "session.created"
    await check_that_nothing_is_left(redis_url)


async def test_who_came_by_another_process_is_told_of_the_end(
    sites: tuple[Site, Site], key: str, upstream: Upstream
) -> None:
    here, there = sites
    async with resuming_client(here.ws_url, key) as client:
        await client.change_to(there)
        await client.type("Hello.")
        await client.wait_for("response.done")
        here.process.terminate()
        assert await client.receive_ending() == ("server_restarting", 1012)
        assert (await client.resume(conversation=client.conversation_id))["type"] == "session.created"


async def test_a_process_that_only_passes_frames_on_may_stop(
    sites: tuple[Site, Site], key: str, upstream: Upstream
) -> None:
    here, there = sites
    async with resuming_client(here.ws_url, key) as client:
        await client.change_to(there)
        there.process.terminate()
        assert await client.receive_ending() == ("server_restarting", 1012)
        client.go_to(here)
        assert (await client.resume())["type"] == "session.resumed"
        await client.type("Hello.")
        await client.wait_for("response.done")
