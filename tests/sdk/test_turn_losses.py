"""Turns over HTTP that lose their engine, client, key or server: nothing goes on unheard, or looks whole."""

import asyncio
import json
from collections.abc import Callable, Iterator

import httpx2
import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings

from accounts.keys import api_keys
from accounts.models import APIKey, User
from conversations.models import Conversation, Item
from tests.support.http_turns import EVENTS, build_client, get_error, load_items, make_wav, parse_raw_events
from tests.support.live import Site, run_site
from tests.support.polling import poll, wait_until_none
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db", "upstream")
TURNS = "/v1/voice/turns"
LONG = "This is a sentence that goes on. " * 20


@pytest.mark.parametrize(
    ("endpoint", "fault", "status", "says"),
    [
        ("transcriptions", "401", 502, "key"),
        ("transcriptions", "429_quota", 429, "credit"),
        ("transcriptions", "hang", 504, "Speech to text"),
        ("chat", "401", 502, "key"),
        ("chat", "429_quota", 429, "credit"),
        ("chat", "500", 503, "language model"),
        ("chat", "hang", 504, "language model"),
        ("chat", "empty", 502, "not a reply"),
        ("speech", "401", 502, "key"),
        ("speech", "hang", 504, "Text to speech"),
        ("speech", "503", 503, "Text to speech"),
    ],
)
async def test_an_engine_that_fails_before_the_first_sound(
    caller: httpx2.AsyncClient, site: Site, user: User, upstream: Upstream, utterance: bytes,
    endpoint: str, fault: str, status: int, says: str,
) -> None:  # fmt: skip
    upstream.behave(endpoint, fault=fault)
    upstream.script(replies=(f"Nobody will hear {endpoint} and {fault}.",))  # spoken anew: not out of the cache
    answer = await caller.post(TURNS, content=make_wav(utterance))
    error = get_error(answer)
    assert answer.status_code == status, error
    assert says in error["message"]
    conversation = answer.headers["x-conversation-id"]
    site.wait_for_log(f"turn_failed code={error['code']} status={status} conversation={conversation}")
    assert error["message"] in [item.error_message for item in await load_items(user)]
    upstream.reset()
    assert (await caller.post(TURNS, content=make_wav(utterance))).status_code == 200


async def test_an_engine_that_fails_as_an_event(
    caller: httpx2.AsyncClient, site: Site, upstream: Upstream, utterance: bytes
) -> None:
    upstream.behave("chat", fault="500")
    answer = await caller.post(TURNS, content=make_wav(utterance), headers=EVENTS)
    last = json.loads(parse_raw_events(answer.text)[-1])
    assert (last["type"], last["response"]["status"]) == ("response.done", "failed")
    site.wait_for_log(
        f"turn_failed code=engine_unavailable status=200 conversation={answer.headers['x-conversation-id']}"
    )


@pytest.mark.parametrize("accept", ["audio/ogg", "audio/wav"])
async def test_a_reply_that_fails_amid_its_speech_does_not_look_whole(
    caller: httpx2.AsyncClient, site: Site, upstream: Upstream, utterance: bytes, accept: str
) -> None:
    upstream.behave("chat", fault="cut", fault_after=60, piece_ms=20)
    upstream.script(replies=(f"This comes as {accept}. " + LONG,))
    async with caller.stream("POST", TURNS, content=make_wav(utterance), headers={"Accept": accept}) as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx2.RemoteProtocolError, match="incomplete chunked read"):
            await answer.aread()
        assert answer.num_bytes_downloaded > 1_000
    assert "Traceback" not in site.log


async def test_who_hangs_up_amid_the_reply(
    caller: httpx2.AsyncClient, user: User, upstream: Upstream, utterance: bytes
) -> None:
    """The engines stop, and the model will see only what may have been heard, as after an interruption."""
    upstream.behave("speech", realtime=1.0)
    upstream.script(replies=("Let me tell you. " + LONG,))
    async with caller.stream("POST", TURNS, content=make_wav(utterance), headers={"Accept": "audio/pcm"}) as answer:
        async for _ in answer.aiter_raw():
            break
    await asyncio.to_thread(upstream.wait_for, "speech", "closed_by_peer")
    reply = await wait_for_last_item(user)
    assert reply.status == "incomplete"
    assert reply.heard_text is not None
    assert len(reply.heard_text) < len(reply.text)
    assert reply.heard_ms is not None


async def wait_for_last_item(user: User) -> Item:
    """Return the last item, once its session has stored how much of it was heard."""
    await wait_until_none(Conversation.objects.filter(user=user, status=Conversation.Status.LIVE))
    return (await load_items(user))[-1]


async def test_who_hangs_up_before_the_reply(
    caller: httpx2.AsyncClient, user: User, upstream: Upstream, utterance: bytes
) -> None:
    upstream.behave("chat", first_byte_ms=20_000)
    asking = asyncio.create_task(caller.post(TURNS, content=make_wav(utterance)))
    await asyncio.to_thread(upstream.wait_for, "chat", "received")
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.to_thread(upstream.wait_for, "chat", "closed_by_peer")
    assert (await wait_for_last_item(user)).role == "user"


@pytest.fixture(scope="module")
def remote_site(database_url: str, redis_url: str, upstream_process: Upstream) -> Iterator[Site]:
    env = {"OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream_process.openai_url, "REDIS_URL": redis_url}
    with run_site(database_url, env) as running:
        yield running


@pytest.fixture
def site_on_redis(remote_site: Site, redis_url: str, settings: Settings) -> Site:
    """A site that this process tells of revoked keys over Redis."""
    layer = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [redis_url]}}
    settings.CHANNEL_LAYERS = {"default": layer}
    return remote_site


async def test_a_key_that_is_revoked_meanwhile(
    site_on_redis: Site, user: User, upstream: Upstream, utterance: bytes
) -> None:
    key, token = await sync_to_async(api_keys.create)(user, "tests")
    upstream.behave("chat", first_byte_ms=10_000)
    async with build_client(site_on_redis, token) as asker:
        asking = asyncio.create_task(asker.post(TURNS, content=make_wav(utterance)))
        await asyncio.to_thread(upstream.wait_for, "chat", "received")
        await sync_to_async(api_keys.revoke)(await APIKey.objects.aget(pk=key.pk))
        answer = await asking
    assert (answer.status_code, get_error(answer)["code"]) == (401, "invalid_api_key")


async def test_a_key_that_is_revoked_while_nobody_reads(
    site_on_redis: Site, user: User, upstream: Upstream, utterance: bytes
) -> None:
    """Nobody takes the event that says so, and the file must not look complete."""
    key, token = await sync_to_async(api_keys.create)(user, "tests")
    upstream.script(replies=("This is one of the many sentences that nobody reads. " * 60,))
    async with (
        build_client(site_on_redis, token) as asker,
        asker.stream("POST", TURNS, content=make_wav(utterance), headers={"Accept": "audio/pcm"}) as answer,
    ):
        made = Item.objects.filter(conversation__user=user, role="assistant", status="completed")
        await poll(made.aexists)
        await sync_to_async(api_keys.revoke)(await APIKey.objects.aget(pk=key.pk))
        await wait_for_last_item(user)
        with pytest.raises(httpx2.RemoteProtocolError):
            await answer.aread()


async def test_a_turn_under_way_is_answered_before_the_server_stops(
    start_site: Callable[..., Site], key: str, user: User, upstream: Upstream, utterance: bytes
) -> None:
    site = start_site(OPENAI_API_KEY="sk-site", OPENAI_BASE_URL=upstream.openai_url)
    upstream.behave("chat", piece_ms=50)
    upstream.script(replies=("Before it stops. " + LONG,))
    async with build_client(site, key) as caller, caller.stream("POST", TURNS, content=make_wav(utterance)) as answer:
        site.process.terminate()
        assert len(await answer.aread()) > 10_000
    await asyncio.to_thread(site.process.wait)
    question, reply = await load_items(user)
    assert question.text
    assert (reply.status, reply.text.strip()) == ("completed", ("Before it stops. " + LONG).strip())
    assert not await Conversation.objects.filter(user=user, status=Conversation.Status.LIVE).aexists()
    assert "Traceback" not in site.log
