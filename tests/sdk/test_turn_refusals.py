"""Turns over HTTP that are refused: each is told why, and no engine works for it."""

import asyncio
import json
from collections.abc import Callable

import httpx2
import pytest
from asgiref.sync import sync_to_async

from accounts.keys import api_keys
from accounts.models import Scope, User
from conversations.models import Conversation
from conversations.pcm import BYTES_PER_MS
from tests.support.factories import make_tone
from tests.support.http_turns import EVENTS, build_client, get_error, load_items, make_wav, parse_raw_events
from tests.support.live import Site
from tests.support.sound_files import make_sound_file
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db", "upstream")
TURNS = "/v1/voice/turns"


async def test_no_sound_file(caller: httpx2.AsyncClient, user: User) -> None:
    answer = await caller.post(TURNS, content=b"good morning")
    assert (answer.status_code, get_error(answer)["code"]) == (415, "unsupported_format")
    assert not await Conversation.objects.filter(user=user).aexists()


@pytest.mark.parametrize("body", [{}, {"content": b""}, {"files": {"other": b"x"}}, {"data": {"file": "x"}}])
async def test_nothing_to_hear(caller: httpx2.AsyncClient, body: dict[str, object]) -> None:
    answer = await caller.post(TURNS, **body)  # type: ignore[arg-type]
    assert answer.status_code in (400, 415)
    assert get_error(answer)["param"] == "file"


async def test_silence(caller: httpx2.AsyncClient, user: User, upstream: Upstream) -> None:
    """Speech to text is not asked, since it would make words even of silence."""
    answer = await caller.post(TURNS, content=make_wav(bytes(2_000 * BYTES_PER_MS)))
    assert (answer.status_code, get_error(answer)["code"]) == (400, "no_speech")
    assert answer.headers["x-conversation-id"].startswith("conv_")
    assert [item.role for item in await load_items(user)] == ["user"]
    assert not upstream.list_requests("chat")
    assert not upstream.list_requests("transcriptions")


async def test_silence_as_an_event(caller: httpx2.AsyncClient) -> None:
    answer = await caller.post(TURNS, content=make_wav(bytes(2_000 * BYTES_PER_MS)), headers=EVENTS)
    last = json.loads(parse_raw_events(answer.text)[-1])
    assert (last["type"], last["error"]["code"]) == ("error", "no_speech")


async def test_no_words(caller: httpx2.AsyncClient, upstream: Upstream, utterance: bytes) -> None:
    upstream.script(transcripts=("",))
    answer = await caller.post(TURNS, content=make_wav(utterance))
    assert (answer.status_code, get_error(answer)["code"]) == (400, "no_speech")


async def test_less_than_a_tenth_of_a_second(caller: httpx2.AsyncClient, utterance: bytes) -> None:
    answer = await caller.post(TURNS, content=make_wav(utterance[: 50 * BYTES_PER_MS]))
    assert (answer.status_code, get_error(answer)["param"]) == (400, "file")


async def test_more_than_two_minutes(caller: httpx2.AsyncClient) -> None:
    answer = await caller.post(TURNS, content=make_sound_file(make_tone(1_000) * 122, "mp3", "libmp3lame"))
    assert (answer.status_code, get_error(answer)["code"]) == (400, "audio_too_long")


@pytest.mark.parametrize("megabytes", [2.5, 5])
async def test_a_file_that_is_too_large(start_site: Callable[..., Site], key: str, megabytes: float) -> None:
    """The view refuses the smaller one, and the server the larger: it leaves room for a form's other parts."""
    site = start_site(TURN_MAX_MB="2")
    async with build_client(site, key) as caller:
        answer = await caller.post(TURNS, content=bytes(int(megabytes * 1_000_000)))
    assert (answer.status_code, get_error(answer)["code"]) == (413, "request_too_large")


async def test_a_key_that_may_not_talk(site: Site, user: User, utterance: bytes) -> None:
    _, key = await sync_to_async(api_keys.create)(user, "reader", [Scope.CONVERSATIONS_READ])
    async with build_client(site, key) as caller:
        answer = await caller.post(TURNS, content=make_wav(utterance))
    assert (answer.status_code, get_error(answer)["code"]) == (403, "missing_scope")


async def test_no_assistant_of_that_name(caller: httpx2.AsyncClient, utterance: bytes) -> None:
    answer = await caller.post(TURNS, content=make_wav(utterance), params={"assistant": "nobody"})
    assert (answer.status_code, get_error(answer)["code"]) == (404, "not_found")


async def test_as_many_at_once_as_over_sockets(
    start_site: Callable[..., Site], key: str, upstream: Upstream, utterance: bytes
) -> None:
    site = start_site(OPENAI_API_KEY="sk-site", OPENAI_BASE_URL=upstream.openai_url, MAX_SESSIONS_PER_USER="1")
    upstream.behave("chat", first_byte_ms=1_500)
    async with build_client(site, key) as caller:
        first = asyncio.create_task(caller.post(TURNS, content=make_wav(utterance)))
        await asyncio.to_thread(upstream.wait_for, "chat", "received")
        second = await caller.post(TURNS, content=make_wav(utterance))
        assert (second.status_code, get_error(second)["code"]) == (429, "too_many_sessions")
        assert (await first).status_code == 200
        upstream.behave("chat", first_byte_ms=0)
        assert (await caller.post(TURNS, content=make_wav(utterance))).status_code == 200


async def test_a_form_that_is_none(caller: httpx2.AsyncClient) -> None:
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
        answer = await caller.post(TURNS, content=b"--y\r\nnonsense", headers={"Content-Type": kind})
        assert answer.status_code == 400
        assert get_error(answer)["message"]


async def test_no_time_zone_of_that_name(caller: httpx2.AsyncClient, utterance: bytes) -> None:
    answer = await caller.post(TURNS, content=make_wav(utterance), params={"time_zone": "Moon/Tycho"})
    assert (answer.status_code, get_error(answer)["param"]) == (400, "time_zone")
