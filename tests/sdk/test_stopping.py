"""A server that stops, and callers who go all at once: nobody's words are lost."""

import asyncio
import base64
import json
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import pytest
from asgiref.sync import sync_to_async
from websockets.asyncio.client import connect as open_socket

from accounts.models import User
from conversations.models import Assistant, Conversation, Item
from conversations.pcm import BYTES_PER_MS
from conversations.session.live_sessions import LIVE_SESSIONS
from conversations.storage.callers import Caller
from conversations.transport import admission
from conversations.transport.admission import RefusedError
from tests.support.live import Site, run_site
from tests.support.official_client import MANUAL, Connect, Talk
from tests.support.polling import poll, wait_until_none
from tests.support.resuming_client import resuming_client
from tests.support.sockets import build_authorization, receive_ending
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db")
RESTARTING = ("server_restarting", 1012)


@pytest.fixture
def stopping_site(start_site: Callable[..., Site], upstream: Upstream) -> Site:
    return start_site(OPENAI_API_KEY="sk-site", OPENAI_BASE_URL=upstream.openai_url)


async def speak(talk: Talk, pcm: bytes) -> None:
    await talk.send.input_audio_buffer.append(audio=base64.b64encode(pcm).decode())


@sync_to_async
def load_utterances(user: User) -> list[Item]:
    """Check that all conversations are over, and return what the user said in them."""
    assert not [one for one in Conversation.objects.filter(user=user) if one.status != Conversation.Status.ENDED]
    items = Item.objects.filter(conversation__user=user, role="user")
    return list(items.select_related("clip").order_by("pk"))


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
async def test_the_words_of_who_speaks_amid_it_are_stored(
    stopping_site: Site, connect: Connect, user: User, upstream: Upstream, utterance: bytes, sign: signal.Signals
) -> None:
    upstream.script(transcripts=("Cut short by a stop.",))
    async with connect(url=stopping_site.url) as talk:
        await speak(talk, utterance)
        await talk.wait_for("input_audio_buffer.speech_started")
        stopping_site.process.send_signal(sign)
        assert await receive_ending(talk) == RESTARTING
    assert await asyncio.to_thread(stopping_site.process.wait, 10) == 0
    (item,) = await load_utterances(user)
    assert (item.text, item.clip.duration_ms > 1000) == ("Cut short by a stop.", True)
    assert "Traceback" not in stopping_site.log


async def test_the_words_of_who_has_just_finished_are_stored(
    stopping_site: Site, connect: Connect, user: User, upstream: Upstream, utterance: bytes
) -> None:
    """Their sound is stored too, while speech to text still listens, and nobody else is let in meanwhile."""
    upstream.script(transcripts=("Said just before.",))
    upstream.behave("transcriptions", first_byte_ms=2_500)
    async with connect(url=stopping_site.url) as talk:
        await talk.send.session.update(session=MANUAL)  # type: ignore[arg-type]  # the TypedDict is the same
        await speak(talk, utterance)
        await talk.send.input_audio_buffer.commit()
        await talk.wait_for("input_audio_buffer.committed")
        await asyncio.to_thread(upstream.wait_for, "transcriptions", "received")
        stopping_site.process.terminate()
        await poll_until_deaf(stopping_site)
        assert stopping_site.process.poll() is None
        assert await receive_ending(talk) == RESTARTING
    assert await asyncio.to_thread(stopping_site.process.wait, 10) == 0
    (item,) = await load_utterances(user)
    assert (item.text, item.clip.duration_ms > 1000) == ("Said just before.", True)


async def poll_until_deaf(site: Site) -> None:
    """Wait until nobody is let in any more."""

    async def is_deaf() -> bool:
        try:
            socket.create_connection(("127.0.0.1", urlsplit(site.url).port or 0)).close()
        except ConnectionRefusedError:
            return True
        return False

    await poll(is_deaf)


async def test_a_reply_under_way_is_sent_to_its_end_at_once(
    stopping_site: Site, connect: Connect, user: User, upstream: Upstream
) -> None:
    """Its sound takes half a minute to be heard, for which nobody waits: the client has all of it."""
    upstream.behave("chat", piece_ms=20)
    upstream.script(replies=("This is a sentence that goes on. " * 15,))
    async with connect(url=stopping_site.url) as talk:
        await talk.type("Go on.")
        await talk.wait_for("response.output_audio.delta")
        stopping_site.process.terminate()
        began = time.monotonic()
        assert (await talk.wait_for("response.done"))["response"]["status"] == "completed"
        assert await receive_ending(talk) == RESTARTING
        assert time.monotonic() - began < len(talk.collect_audio()) / BYTES_PER_MS / 1000 - 10
    reply = await Item.objects.select_related("clip").aget(conversation__user=user, role="assistant")
    assert abs(reply.clip.duration_ms - len(talk.collect_audio()) // BYTES_PER_MS) < 100
    assert (reply.status, reply.heard_text) == ("completed", None)


async def test_who_speaks_may_finish_and_is_answered(
    stopping_site: Site, connect: Connect, user: User, upstream: Upstream, utterance: bytes
) -> None:
    upstream.script(transcripts=("All that I wanted to say.",))
    half = len(utterance) // 4 * 2
    async with connect(url=stopping_site.url) as talk:
        await speak(talk, utterance[:half])
        await talk.wait_for("input_audio_buffer.speech_started")
        stopping_site.process.terminate()
        await poll_until_deaf(stopping_site)
        await talk.say(utterance[half:])
        assert (await talk.wait_for("response.done"))["response"]["status"] == "completed"
        assert await receive_ending(talk) == RESTARTING
    assert await asyncio.to_thread(stopping_site.process.wait, 10) == 0
    (item,) = await load_utterances(user)
    assert item.text == "All that I wanted to say."


async def test_who_is_between_turns_is_told_at_once(stopping_site: Site, key: str) -> None:
    """One that may come back is told before, too."""
    async with resuming_client(stopping_site.ws_url, key) as client:
        await client.type("Hello.")
        await client.wait_for("response.done")
        stopping_site.process.terminate()
        assert await client.receive_ending() == RESTARTING
        assert [event["code"] for event in client.told if event["type"] == "session.ending"] == ["server_restarting"]


async def test_who_is_away_is_not_waited_for(stopping_site: Site, key: str, upstream: Upstream, user: User) -> None:
    """A reply that it could not hear is made whole, and stored as not heard beyond the moment it was cut."""
    upstream.behave("chat", piece_ms=20)
    upstream.script(replies=("This is a sentence that goes on. " * 15,))
    async with resuming_client(stopping_site.ws_url, key) as client:
        await client.type("Go on.")
        await client.wait_for("response.output_audio.delta")
        client.cut()
        stopping_site.process.terminate()
        assert await asyncio.to_thread(stopping_site.process.wait, 15) == 0
    reply = await Item.objects.aget(conversation__user=user, role="assistant")
    assert reply.text
    assert len((reply.heard_text or "").split()) < 8


async def test_a_second_signal_does_not_wait(
    stopping_site: Site, connect: Connect, upstream: Upstream, utterance: bytes
) -> None:
    upstream.behave("transcriptions", fault="hang")
    async with connect(url=stopping_site.url) as talk:
        await talk.send.session.update(session=MANUAL)  # type: ignore[arg-type]  # the TypedDict is the same
        await speak(talk, utterance)
        await talk.send.input_audio_buffer.commit()
        await talk.wait_for("input_audio_buffer.committed")
        stopping_site.process.terminate()
        await poll_until_deaf(stopping_site)
        began = time.monotonic()
        stopping_site.process.terminate()
        assert await asyncio.to_thread(stopping_site.process.wait, 10) == 0
    assert time.monotonic() - began < 2
    assert "Traceback" not in stopping_site.log


async def test_words_are_stored_with_speech_to_speech_too(
    stopping_site: Site, connect: Connect, user: User, upstream: Upstream, utterance: bytes
) -> None:
    slug = f"s2s-{user.pk}"
    await Assistant.objects.acreate(slug=slug, owner=user, name="One model", instructions="", s2s_engine="openai")
    async with connect(url=stopping_site.url, assistant=slug) as talk:
        await speak(talk, utterance)
        await talk.wait_for("input_audio_buffer.speech_started")
        stopping_site.process.terminate()
        await poll_until_deaf(stopping_site)
        await speak(talk, bytes(2000 * BYTES_PER_MS))
        assert await receive_ending(talk) == RESTARTING
    assert await asyncio.to_thread(stopping_site.process.wait, 15) == 0
    (item,) = await load_utterances(user)
    assert item.clip.duration_ms > 1000
    assert "Traceback" not in stopping_site.log


async def test_who_comes_meanwhile_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody may still come over a connection that a proxy keeps open."""
    monkeypatch.setattr(LIVE_SESSIONS, "is_stopping", True)
    with pytest.raises(RefusedError) as refused:
        async with admission.admit(Caller(1)):
            pass
    assert (refused.value.code, refused.value.close_code) == RESTARTING


@pytest.fixture
def roomy_site(database_url: str, upstream: Upstream) -> Iterator[Site]:
    env = {"OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream.openai_url}
    room = {"MAX_SESSIONS": "100", "MAX_SESSIONS_PER_USER": "100", "MAX_LOOP_LAG_MS": "60000"}
    with run_site(database_url, {**env, **room}, command=("-m", "tests.support.patient_site", "run")) as running:
        yield running


async def test_a_hundred_who_hang_up_at_once(roomy_site: Site, key: str, user: User, utterance: bytes) -> None:
    """Each of them hangs up amid an utterance."""
    audio = base64.b64encode(utterance[: 1500 * BYTES_PER_MS]).decode()
    append = json.dumps({"type": "input_audio_buffer.append", "audio": audio})
    async with AsyncExitStack() as stack:
        url, headers = f"{roomy_site.ws_url}/v1/realtime", build_authorization(key)
        opening = (open_socket(url, additional_headers=headers, max_queue=None) for _ in range(100))
        sockets = await asyncio.gather(*(stack.enter_async_context(one) for one in opening))
        await asyncio.gather(*(one.send(append) for one in sockets))
        await asyncio.gather(*(wait_for(one, "input_audio_buffer.speech_started") for one in sockets))
        for one in sockets:
            one.transport.abort()
    live = Conversation.objects.filter(user=user, status=Conversation.Status.LIVE)
    await wait_until_none(live, patience_sec=40)
    items = await load_utterances(user)
    assert (len(items), [item for item in items if not item.text]) == (100, [])
    assert "Traceback" not in roomy_site.log


async def wait_for(one: object, kind: str) -> None:
    while json.loads(await one.recv())["type"] != kind:  # type: ignore[attr-defined]
        pass
