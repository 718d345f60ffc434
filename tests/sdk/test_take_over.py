"""Who holds a conversation: one session at a time, the one that came last; and nobody when that is gone."""

import asyncio
import base64
import json
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest
from openai import AsyncOpenAI
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed

from accounts.models import ClientSecret, User
from conversations.models import Conversation
from tests.support.http_turns import get_error, make_wav
from tests.support.live import Site
from tests.support.official_client import Connect, load_items
from tests.support.polling import poll
from tests.support.sockets import build_authorization, receive_ending, receive_refusal
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db")
LONG = "This is a sentence that goes on. " * 20


async def load_conversation(conversation_id: str) -> Conversation:
    return await Conversation.objects.aget(public_id=conversation_id)


async def test_who_comes_last_goes_on_and_the_first_is_told(connect: Connect, upstream: Upstream) -> None:
    async with connect() as old:
        await old.type("My first words.")
        await old.wait_for("response.done")
        async with connect(conversation=old.conversation_id) as new:
            began = time.monotonic()
            assert await receive_ending(old) == ("conversation_taken_over", 1008)
            assert time.monotonic() - began < 2
            await new.wait_for("conversation.created")
            await new.type("And more.")
            await new.wait_for("response.done")
            assert (await load_conversation(old.conversation_id)).is_live
    users = [item.text for item in await load_items(old.conversation_id) if item.role == "user"]
    assert users == ["My first words.", "And more."]


async def test_a_reply_under_way_is_stored_before_the_newcomer_is_told_of_it(
    connect: Connect, upstream: Upstream
) -> None:
    """The model stops writing it, so it costs nothing more."""
    upstream.behave("chat", piece_ms=50)
    upstream.script(replies=("Before it is taken over. " + LONG,))
    async with connect() as old:
        await old.type("Go on.")
        for _ in range(3):
            await old.wait_for("response.output_audio_transcript.delta")
        async with connect(conversation=old.conversation_id) as new:
            await new.wait_for("conversation.item.done")
            told = (await new.wait_for("conversation.item.done"))["item"]
            await asyncio.to_thread(upstream.wait_for, "chat", "closed_by_peer")
            assert await receive_ending(old) == ("conversation_taken_over", 1008)
    assert told["status"] == "incomplete"
    assert told["content"][0]["transcript"].startswith("Before it is")
    assert [item.status for item in await load_items(old.conversation_id)] == ["completed", "incomplete"]


async def test_the_words_of_who_speaks_amid_it_come_along(
    connect: Connect, upstream: Upstream, utterance: bytes
) -> None:
    upstream.script(transcripts=("Said on the old line.",))
    async with connect() as old:
        await old.send.input_audio_buffer.append(audio=base64.b64encode(utterance).decode())
        await old.wait_for("input_audio_buffer.speech_started")
        async with connect(conversation=old.conversation_id) as new:
            told = (await new.wait_for("conversation.item.done"))["item"]
    assert told["content"][0]["transcript"] == "Said on the old line."


async def test_words_that_do_not_come_in_time_are_stored_as_failed(
    connect: Connect, upstream: Upstream, utterance: bytes
) -> None:
    """Their sound is stored, so they can be asked for again."""
    upstream.behave("transcriptions", fault="hang")
    async with connect() as old:
        await old.type("My first words.")
        await old.wait_for("response.done")
        await old.send.input_audio_buffer.append(audio=base64.b64encode(utterance).decode())
        await old.wait_for("input_audio_buffer.speech_started")
        async with connect(conversation=old.conversation_id) as new:
            await new.wait_for("conversation.created")
            assert await receive_ending(old) == ("conversation_taken_over", 1008)
    spoken = next(item for item in await load_items(old.conversation_id) if item.is_audio and item.role == "user")
    assert (spoken.error_code, spoken.clip.size_bytes > 1000) == ("engine_timeout", True)


async def test_a_conversation_in_which_nothing_was_said_stays_for_the_newcomer(connect: Connect) -> None:
    """It is deleted only when the last session has ended, if nothing was said by then."""
    async with connect() as old:
        await old.wait_for("conversation.created")
        async with connect(conversation=old.conversation_id) as new:
            assert await receive_ending(old) == ("conversation_taken_over", 1008)
            await new.wait_for("conversation.created")
            async with connect(conversation=old.conversation_id) as last:
                assert await receive_ending(new) == ("conversation_taken_over", 1008)
                await last.type("Hello?")
                await last.wait_for("response.done")
    assert await wait_until_over(old.conversation_id) == "ended"
    async with connect() as silent:
        await silent.wait_for("conversation.created")
    assert await wait_until_over(silent.conversation_id) == "gone"


async def wait_until_over(conversation_id: str) -> str:
    """Wait until nobody holds the conversation, and return whether it is "ended" or "gone"."""

    async def find_ending() -> str:
        found = await Conversation.objects.filter(public_id=conversation_id).afirst()
        return "gone" if found is None else "" if found.is_live else "ended"

    return await poll(find_ending, patience_sec=10)


async def test_of_many_at_once_one_remains(connect: Connect) -> None:
    async with connect() as first, AsyncExitStack() as stack:
        await first.wait_for("conversation.created")
        opening = [stack.enter_async_context(connect(conversation=first.conversation_id)) for _ in range(4)]
        talks = [first, *await asyncio.gather(*opening)]
        endings = [asyncio.create_task(receive_ending(talk)) for talk in talks]
        async with asyncio.timeout(10):
            while sum(one.done() for one in endings) < 4:
                await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED, timeout=0.1)
        assert {one.result() for one in endings if one.done()} == {("conversation_taken_over", 1008)}
        winner = next(talk for talk, one in zip(talks, endings, strict=True) if not one.done())
        listening = next(one for one in endings if not one.done())
        listening.cancel()
        await asyncio.wait([listening])
        await winner.send.input_audio_buffer.clear()
        await winner.wait_for("input_audio_buffer.cleared")


async def test_from_another_process(
    start_site: Callable[..., Site], connect: Connect, redis_url: str, upstream: Upstream
) -> None:
    env = {"OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream.openai_url, "REDIS_URL": redis_url}
    here, there = start_site(**env), start_site(**env)
    async with connect(url=here.url) as old:
        await old.type("My first words.")
        await old.wait_for("response.done")
        began = time.monotonic()
        async with connect(url=there.url, conversation=old.conversation_id) as new:
            await new.wait_for("conversation.created")
            assert time.monotonic() - began < 1.5
            assert await receive_ending(old) == ("conversation_taken_over", 1008)


async def test_the_limit_of_sessions_counts_who_is_replaced_no_more(
    start_site: Callable[..., Site], connect: Connect, upstream: Upstream
) -> None:
    site = start_site(OPENAI_API_KEY="sk-site", OPENAI_BASE_URL=upstream.openai_url, MAX_SESSIONS_PER_USER="1")
    async with connect(url=site.url) as old:
        await old.wait_for("conversation.created")
        async with connect(url=site.url) as other:
            assert (await other.wait_for("error"))["error"]["code"] == "too_many_sessions"
        async with connect(url=site.url, conversation=old.conversation_id) as new:
            await new.wait_for("conversation.created")
            assert await receive_ending(old) == ("conversation_taken_over", 1008)


async def test_a_turn_over_http_ends_nobodys_call(
    start_site: Callable[..., Site], caller: httpx2.AsyncClient, connect: Connect, utterance: bytes
) -> None:
    """A program must not end a call that somebody is in."""
    async with connect() as talk:
        await talk.type("Hello")
        await talk.wait_for("response.done")
        ask = {"params": {"conversation": talk.conversation_id}, "content": make_wav(utterance)}
        refused = await caller.post("/v1/voice/turns", **ask)  # type: ignore[arg-type]
        assert (refused.status_code, get_error(refused)["code"]) == (409, "conversation_in_use")
        await talk.send.input_audio_buffer.clear()
        await talk.wait_for("input_audio_buffer.cleared")
    answer = await caller.post("/v1/voice/turns", **ask)  # type: ignore[arg-type]
    assert answer.status_code == 200


async def test_a_session_that_fails_to_start_leaves_nothing_live(site: Site, key: str, user: User) -> None:
    """It fails here because its secret names an MCP server that was removed since."""
    async with AsyncOpenAI(api_key=key, base_url=f"{site.url}/v1") as official:
        secret = (await official.realtime.client_secrets.create()).value
    tools = [{"type": "mcp", "server_label": "removed"}]
    await ClientSecret.objects.filter(key__user=user).aupdate(session={"type": "realtime", "tools": tools})
    async with open_socket(f"{site.ws_url}/v1/realtime", additional_headers=build_authorization(secret)) as socket:
        code, close_code = await receive_refusal(socket)
    assert close_code == 1008, code
    assert not await Conversation.objects.filter(user=user).aexists()


async def test_the_api_tells_whether_it_is_live(
    caller: httpx2.AsyncClient, connect: Connect, upstream: Upstream
) -> None:
    async def read_status(conversation_id: str) -> Any:
        return json.loads((await caller.get(f"/v1/conversations/{conversation_id}")).text)["status"]

    async with connect() as talk:
        await talk.type("Hello")
        await talk.wait_for("response.done")
        assert await read_status(talk.conversation_id) == "live"
    assert await wait_until_over(talk.conversation_id) == "ended"
    assert await read_status(talk.conversation_id) == "ended"


async def test_what_a_killed_process_held_is_closed_by_another(
    start_site: Callable[..., Site], connect: Connect, upstream: Upstream
) -> None:
    env = {"OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream.openai_url}
    upstream.behave("chat", piece_ms=50)
    upstream.script(replies=(LONG,))
    killed = start_site(**env)
    async with connect(url=killed.url) as talk:
        await talk.type("Go on.")
        await talk.wait_for("response.output_audio_transcript.delta")
        killed.process.kill()
        with pytest.raises(ConnectionClosed):
            await talk.wait_for("never")
    await asyncio.to_thread(start_site, **env)
    broken = Conversation.objects.filter(public_id=talk.conversation_id, status=Conversation.Status.BROKE_OFF)
    await poll(broken.aexists)
    assert [item.status for item in await load_items(talk.conversation_id)] == ["completed", "incomplete"]
