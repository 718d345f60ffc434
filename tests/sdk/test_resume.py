"""A connection that is lost, and a client that comes back: what it missed comes once, and what it sent arrives once."""

import asyncio
from collections.abc import Callable

import pytest

from accounts.keys import api_keys
from accounts.models import User
from conversations.models import Conversation
from conversations.pcm import BYTES_PER_MS
from tests.support.factories import make_user
from tests.support.live import Site
from tests.support.official_client import FRAME, Connect, is_over, load_items
from tests.support.polling import poll
from tests.support.resuming_client import NOT_RESUMABLE, ResumingClient, ask_for_a_long_reply, resuming_client
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db", "connect")


@pytest.fixture
def quick_site(start_site: Callable[..., Site], upstream: Upstream) -> Site:
    """A site whose sessions wait for a second only, and of which a user may have one."""
    env = {"OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream.openai_url}
    return start_site(**env, RESUME_SEC="1", MAX_SESSIONS_PER_USER="1")


async def test_a_reply_goes_on_where_it_was_cut(site: Site, key: str, upstream: Upstream) -> None:
    async with resuming_client(site.ws_url, key) as client:
        reply = await ask_for_a_long_reply(client, upstream)
        client.cut()
        assert (await client.resume())["type"] == "session.resumed"
        await client.wait_for("response.output_audio.delta")
        client.cut()
        await client.resume()
        done = await client.wait_for("response.done")
        assert done["response"]["status"] == "completed"
        words = "".join(client.collect("response.output_audio_transcript.delta"))
        assert words.split() == reply.split()
        heard_ms = len(client.collect_audio()) // BYTES_PER_MS
        await client.type("Are you still there?")
        await client.wait_for("response.done")
    item = (await load_items(client.conversation_id))[1]
    assert (item.status, abs(item.clip.duration_ms - heard_ms) < 100) == ("completed", True)


async def test_a_reply_that_ended_meanwhile(site: Site, key: str, upstream: Upstream) -> None:
    """Its rest waits for the client, and it is stored."""
    async with resuming_client(site.ws_url, key) as client:
        await ask_for_a_long_reply(client, upstream, sentences=2)
        client.cut()

        async def is_stored() -> bool:
            items = await load_items(client.conversation_id)
            return [item.status for item in items] == ["completed", "completed"]

        await poll(is_stored)
        await client.resume()
        await client.wait_for("response.done")


async def test_words_that_are_said_while_the_line_is_dead_arrive(
    site: Site, key: str, upstream: Upstream, utterance: bytes
) -> None:
    """The utterance stays one. The server does not know yet that the line is dead, so it hears nothing for a while."""
    upstream.script(transcripts=("All of it was heard.",))
    frames = [utterance[start : start + FRAME] for start in range(0, len(utterance), FRAME)]
    async with resuming_client(site.ws_url, key) as client:
        for frame in frames[:8]:
            await client.send_frame(frame)
        await client.wait_for("input_audio_buffer.speech_started")
        former = client.socket
        client.sent += frames[8:] + [bytes(FRAME)] * 15
        await client.resume()
        await client.wait_for("response.done")
        await former.wait_closed()
        assert former.close_code == 1000
    said = [item for item in await load_items(client.conversation_id) if item.role == "user"]
    spoken_ms = len(utterance) // BYTES_PER_MS
    assert [item.text for item in said] == ["All of it was heard."]
    assert said[0].clip.duration_ms > 0.8 * spoken_ms


async def test_a_message_that_was_lost_on_its_way_arrives_once(site: Site, key: str, upstream: Upstream) -> None:
    async with resuming_client(site.ws_url, key) as client:
        await client.type("This arrives.")
        await client.wait_for("response.done")
        client.cut()
        await client.type("This is written without a line.")
        await client.resume()
        await client.wait_for("response.done")
    users = [item.text for item in await load_items(client.conversation_id) if item.role == "user"]
    assert users == ["This arrives.", "This is written without a line."]


async def test_who_says_goodbye_has_ended_the_session(site: Site, key: str, upstream: Upstream) -> None:
    async with resuming_client(site.ws_url, key) as client:
        await ask_for_a_long_reply(client, upstream)
        await client.socket.close()
        await poll(lambda: is_over(client.conversation_id))
        await client._open({"resume": client.token, "after": client.last_event_id})
        assert await client.receive_ending() == NOT_RESUMABLE


async def test_without_its_client_a_session_ends_after_a_while(quick_site: Site, key: str, upstream: Upstream) -> None:
    """What was not heard when the connection was lost has never been heard."""
    async with resuming_client(quick_site.ws_url, key) as client:
        await ask_for_a_long_reply(client, upstream)
        client.cut()
        await poll(lambda: is_over(client.conversation_id))
        await client._open({"resume": client.token, "after": client.last_event_id})
        assert await client.receive_ending() == NOT_RESUMABLE
    reply = (await load_items(client.conversation_id))[1]
    assert len((reply.heard_text or "").split()) < 8


async def test_who_waits_for_nobody_stands_in_nobodys_way(quick_site: Site, key: str, upstream: Upstream) -> None:
    async with resuming_client(quick_site.ws_url, key) as client:
        await client.type("Hello.")
        await client.wait_for("response.done")
        client.cut()
        async with resuming_client(quick_site.ws_url, key):
            pass


async def test_the_token_is_for_nobody_else(site: Site, key: str, upstream: Upstream, user: User) -> None:
    stranger = await asyncio.to_thread(make_user, email="stranger.resumes@example.com")
    _, other_key = await asyncio.to_thread(api_keys.create, stranger, "tests")
    async with resuming_client(site.ws_url, key) as client:
        client.cut()
        thief = ResumingClient(site.ws_url, other_key)
        await thief._open({"resume": client.token, "after": client.last_event_id})
        assert await thief.receive_ending() == NOT_RESUMABLE
        await client.resume()


async def test_what_cannot_be_resumed_goes_on_as_a_new_session(site: Site, key: str, upstream: Upstream) -> None:
    async with resuming_client(site.ws_url, key) as client:
        await client.type("My first words.")
        await client.wait_for("response.done")
        client.cut()
        client.last_event_id = "event_that_never_was"
        first = await client.resume(conversation=client.conversation_id)
        assert first["type"] == "session.created"
        assert (await client.wait_for("conversation.created"))["conversation"]["id"] == client.conversation_id


async def test_who_was_replaced_while_away_is_told(site: Site, key: str, upstream: Upstream, connect: Connect) -> None:
    """It must not take the conversation back."""
    async with resuming_client(site.ws_url, key) as client:
        await client.type("My first words.")
        await client.wait_for("response.done")
        client.cut()
        async with connect(conversation=client.conversation_id) as new:
            await new.wait_for("conversation.created")
            await client.resume(conversation=client.conversation_id)
            assert await client.receive_ending() == ("conversation_taken_over", 1008)
            await new.type("And more.")
            await new.wait_for("response.done")


async def test_a_client_that_does_not_ask_is_not_waited_for(connect: Connect, upstream: Upstream) -> None:
    async with connect() as talk:
        await talk.type("Hello.")
        await talk.wait_for("response.done")
        talk.cut()
        ended = Conversation.objects.filter(public_id=talk.conversation_id, status=Conversation.Status.ENDED)
        await poll(ended.aexists)
    assert "session.resumption" not in talk.kinds
