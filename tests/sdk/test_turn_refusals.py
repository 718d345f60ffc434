"""Turns over HTTP that are refused, fail, or lose their client: everything is told, and nothing goes on unheard."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import httpx2
import pytest
from asgiref.sync import sync_to_async

from accounts import api_keys
from accounts.models import APIKey, Scope, User
from conversations.models import Conversation, Item
from conversations.realtime.audio import BYTES_PER_MS
from tests.factories import tone
from tests.live import Site
from tests.sdk.turns import EVENTS, client, error_in, raw_events, wav_of
from tests.sound_files import sound_file
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db", "upstream")
TURNS = "/v1/voice/turns"
LONG = "This is a sentence that goes on. " * 20


@pytest.fixture
async def caller(site: Site, key: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with client(site, key) as opened:
        yield opened


@sync_to_async
def items_of(user: User) -> list[Item]:
    return list(Item.objects.filter(conversation__user=user).order_by("position"))


async def test_no_sound_file(caller: httpx2.AsyncClient, user: User) -> None:
    answer = await caller.post(TURNS, content=b"good morning")
    assert (answer.status_code, error_in(answer)["code"]) == (415, "unsupported_format")
    assert not await Conversation.objects.filter(user=user).aexists()


@pytest.mark.parametrize("body", [{}, {"content": b""}, {"files": {"other": b"x"}}, {"data": {"file": "x"}}])
async def test_nothing_to_hear(caller: httpx2.AsyncClient, body: dict[str, object]) -> None:
    answer = await caller.post(TURNS, **body)  # type: ignore[arg-type]
    assert answer.status_code in (400, 415)
    assert error_in(answer)["param"] == "file"


async def test_silence(caller: httpx2.AsyncClient, user: User, upstream: Upstream) -> None:
    """Speech to text would make words even of that, so it is not asked."""
    answer = await caller.post(TURNS, content=wav_of(bytes(2_000 * BYTES_PER_MS)))
    assert (answer.status_code, error_in(answer)["code"]) == (400, "no_speech")
    assert answer.headers["x-conversation-id"].startswith("conv_")
    assert [item.role for item in await items_of(user)] == ["user"]
    assert not upstream.requests("chat")
    assert not upstream.requests("transcriptions")


async def test_silence_as_an_event(caller: httpx2.AsyncClient) -> None:
    answer = await caller.post(TURNS, content=wav_of(bytes(2_000 * BYTES_PER_MS)), headers=EVENTS)
    last = json.loads(raw_events(answer.text)[-1])
    assert (last["type"], last["error"]["code"]) == ("error", "no_speech")


async def test_no_words(caller: httpx2.AsyncClient, upstream: Upstream, utterance: bytes) -> None:
    upstream.script(transcripts=("",))
    answer = await caller.post(TURNS, content=wav_of(utterance))
    assert (answer.status_code, error_in(answer)["code"]) == (400, "no_speech")


async def test_less_than_a_tenth_of_a_second(caller: httpx2.AsyncClient, utterance: bytes) -> None:
    answer = await caller.post(TURNS, content=wav_of(utterance[: 50 * BYTES_PER_MS]))
    assert (answer.status_code, error_in(answer)["param"]) == (400, "file")


async def test_more_than_two_minutes(caller: httpx2.AsyncClient) -> None:
    answer = await caller.post(TURNS, content=sound_file(tone(1_000) * 122, "mp3", "libmp3lame"))
    assert (answer.status_code, error_in(answer)["code"]) == (400, "audio_too_long")


@pytest.mark.parametrize("megabytes", [2.5, 5])
async def test_a_file_that_is_too_large(start_site: Callable[..., Site], key: str, megabytes: float) -> None:
    """By the page's own measure, and by the server's, which takes a form's other parts into account."""
    site = start_site(TURN_MAX_MB="2")
    async with client(site, key) as caller:
        answer = await caller.post(TURNS, content=bytes(int(megabytes * 1_000_000)))
    assert (answer.status_code, error_in(answer)["code"]) == (413, "request_too_large")


async def test_a_key_that_may_not_talk(site: Site, user: User, utterance: bytes) -> None:
    _, key = await sync_to_async(api_keys.create)(user, "reader", [Scope.CONVERSATIONS_READ])
    async with client(site, key) as caller:
        answer = await caller.post(TURNS, content=wav_of(utterance))
    assert (answer.status_code, error_in(answer)["code"]) == (403, "missing_scope")


async def test_no_assistant_of_that_name(caller: httpx2.AsyncClient, utterance: bytes) -> None:
    answer = await caller.post(TURNS, content=wav_of(utterance), params={"assistant": "nobody"})
    assert (answer.status_code, error_in(answer)["code"]) == (404, "not_found")


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
    caller: httpx2.AsyncClient, user: User, upstream: Upstream, utterance: bytes,
    endpoint: str, fault: str, status: int, says: str,
) -> None:  # fmt: skip
    upstream.behave(endpoint, fault=fault)
    upstream.script(replies=(f"Nobody will hear {endpoint} and {fault}.",))  # spoken anew: not out of the cache
    answer = await caller.post(TURNS, content=wav_of(utterance))
    error = error_in(answer)
    assert answer.status_code == status, error
    assert says in error["message"]
    assert answer.headers["x-conversation-id"]
    assert error["message"] in [item.error_message for item in await items_of(user)]
    upstream.reset()
    assert (await caller.post(TURNS, content=wav_of(utterance))).status_code == 200


async def test_an_engine_that_fails_as_an_event(
    caller: httpx2.AsyncClient, upstream: Upstream, utterance: bytes
) -> None:
    upstream.behave("chat", fault="500")
    answer = await caller.post(TURNS, content=wav_of(utterance), headers=EVENTS)
    last = json.loads(raw_events(answer.text)[-1])
    assert (last["type"], last["response"]["status"]) == ("response.done", "failed")


@pytest.mark.parametrize("accept", ["audio/ogg", "audio/wav"])
async def test_a_reply_that_fails_amid_its_speech_does_not_look_whole(
    caller: httpx2.AsyncClient, site: Site, upstream: Upstream, utterance: bytes, accept: str
) -> None:
    upstream.behave("chat", fault="cut", fault_after=60, piece_ms=20)
    upstream.script(replies=(f"This comes as {accept}. " + LONG,))
    async with caller.stream("POST", TURNS, content=wav_of(utterance), headers={"Accept": accept}) as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx2.RemoteProtocolError, match="incomplete chunked read"):
            await answer.aread()
        assert answer.num_bytes_downloaded > 1_000
    assert "Traceback" not in site.log


async def test_who_hangs_up_amid_the_reply(
    caller: httpx2.AsyncClient, user: User, upstream: Upstream, utterance: bytes
) -> None:
    """As one that speaks over it: the engines stop, and what may have been heard is what the model will see."""
    upstream.behave("speech", realtime=1.0)
    upstream.script(replies=("Let me tell you. " + LONG,))
    async with caller.stream("POST", TURNS, content=wav_of(utterance), headers={"Accept": "audio/pcm"}) as answer:
        async for _ in answer.aiter_raw():
            break
    await asyncio.to_thread(upstream.wait_for, "speech", "closed_by_peer")
    reply = await ended(user)
    assert reply.status == "incomplete"
    assert reply.heard_text is not None
    assert len(reply.heard_text) < len(reply.text)
    assert reply.heard_ms is not None


async def ended(user: User) -> Item:
    """The reply, once its session has stored what was heard of it; each look asks the database."""
    async with asyncio.timeout(10):
        while await Conversation.objects.filter(user=user, status=Conversation.Status.LIVE).aexists():
            pass
    return (await items_of(user))[-1]


async def test_who_hangs_up_before_the_reply(
    caller: httpx2.AsyncClient, user: User, upstream: Upstream, utterance: bytes
) -> None:
    upstream.behave("chat", first_byte_ms=20_000)
    asking = asyncio.create_task(caller.post(TURNS, content=wav_of(utterance)))
    await asyncio.to_thread(upstream.wait_for, "chat", "received")
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.to_thread(upstream.wait_for, "chat", "closed_by_peer")
    assert (await ended(user)).role == "user"


async def test_as_many_at_once_as_over_sockets(
    start_site: Callable[..., Site], key: str, upstream: Upstream, utterance: bytes
) -> None:
    site = start_site(OPENAI_API_KEY="sk-site", OPENAI_BASE_URL=upstream.openai_url, MAX_SESSIONS_PER_USER="1")
    upstream.behave("chat", first_byte_ms=1_500)
    async with client(site, key) as caller:
        first = asyncio.create_task(caller.post(TURNS, content=wav_of(utterance)))
        await asyncio.to_thread(upstream.wait_for, "chat", "received")
        second = await caller.post(TURNS, content=wav_of(utterance))
        assert (second.status_code, error_in(second)["code"]) == (429, "too_many_sessions")
        assert (await first).status_code == 200
        upstream.behave("chat", first_byte_ms=0)
        assert (await caller.post(TURNS, content=wav_of(utterance))).status_code == 200


async def test_a_key_that_is_revoked_meanwhile(
    start_site: Callable[..., Site], redis_url: str, settings: object, caller: httpx2.AsyncClient, user: User,
    upstream: Upstream, utterance: bytes,
) -> None:  # fmt: skip
    """Over Redis, as this process is not the site's."""
    layer = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [redis_url]}}
    settings.CHANNEL_LAYERS = {"default": layer}  # type: ignore[attr-defined]
    site = start_site(OPENAI_API_KEY="sk-site", OPENAI_BASE_URL=upstream.openai_url, REDIS_URL=redis_url)
    key, token = await sync_to_async(api_keys.create)(user, "tests")
    upstream.behave("chat", first_byte_ms=10_000)
    async with client(site, token) as asker:
        asking = asyncio.create_task(asker.post(TURNS, content=wav_of(utterance)))
        await asyncio.to_thread(upstream.wait_for, "chat", "received")
        await sync_to_async(api_keys.revoke)(await APIKey.objects.aget(pk=key.pk))
        answer = await asking
    assert (answer.status_code, error_in(answer)["code"]) == (401, "invalid_api_key")


async def test_no_time_zone_of_that_name(caller: httpx2.AsyncClient, utterance: bytes) -> None:
    answer = await caller.post(TURNS, content=wav_of(utterance), params={"time_zone": "Moon/Tycho"})
    assert (answer.status_code, error_in(answer)["param"]) == (400, "time_zone")


async def test_a_server_that_stops_stores_what_was_said(
    start_site: Callable[..., Site], key: str, user: User, upstream: Upstream, utterance: bytes
) -> None:
    site = start_site(OPENAI_API_KEY="sk-site", OPENAI_BASE_URL=upstream.openai_url)
    upstream.behave("chat", piece_ms=50)
    upstream.script(replies=("Before it stops. " + LONG,))
    async with client(site, key) as caller, caller.stream("POST", TURNS, content=wav_of(utterance)) as answer:
        site.process.terminate()
        with pytest.raises(httpx2.HTTPError):
            await answer.aread()
    await asyncio.to_thread(site.process.wait)
    question, reply = await items_of(user)
    assert question.text
    assert reply.status == "incomplete"
    assert not await Conversation.objects.filter(user=user, status=Conversation.Status.LIVE).aexists()
    assert "Traceback" not in site.log
