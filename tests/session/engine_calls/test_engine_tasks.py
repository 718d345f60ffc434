"""A session's engines at work, each piece of it a task by its id."""

import asyncio
from typing import Any

import pytest

from conversations.engines.base import EngineSpec
from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.context import ContextMessage
from conversations.session.engine_calls.engine_tasks import EngineTasks
from conversations.storage.callers import Caller
from conversations.storage.engine_selection import EngineSet
from conversations.storage.store import OpenedConversation
from tests.upstream.fixtures import Upstream
from tests.upstream.sound import make_speech


def make_opened(upstream: Upstream) -> OpenedConversation:
    stt, llm, tts = (
        EngineSpec("openai", model, base_url=upstream.openai_url) for model in ("gpt-transcribe", "gpt-6-luna", "tts-1")
    )
    return OpenedConversation(
        pk=1,
        public_id="conv_1",
        caller=Caller(1),
        assistant_slug="a",
        instructions="",
        language="en",
        speed=1.0,
        patience="",
        keywords=(),
        preemptive_generation=True,
        engines=EngineSet(stt, llm, tts),
        items=[],
    )


async def test_a_reply_dropped_before_it_began_asks_nothing_and_leaves_its_place(upstream: Upstream) -> None:
    """Begun in a pause that the same frame of audio ends, and again in the next pause, under the same id."""
    upstream.script(replies=("Here I am.",))
    told: asyncio.Queue[Any] = asyncio.Queue()
    generate = commands.Generate("resp_1", [ContextMessage("user", "Hello.")], None, is_preemptive=True)
    async with asyncio.TaskGroup() as group, asyncio.timeout(10):
        work = EngineTasks(make_opened(upstream), told.put_nowait)
        work.begin(group)
        work.perform(generate)
        work.perform(commands.Abort("resp_1"))
        for _ in range(3):  # cancelled, over, forgotten
            await asyncio.sleep(0)
        work.perform(generate)
        assert await told.get() == engine_events.TextDelta("resp_1", "Here")
        await work.end()
    assert len(upstream.list_requests("chat")) == 1


async def speak_filler(upstream: Upstream, words: str) -> list[Any]:
    """Return what is reported of a filler; once spoken, it is in the cache."""
    told: list[Any] = []
    async with asyncio.TaskGroup() as group:
        work = EngineTasks(make_opened(upstream), told.append)
        work.begin(group)
        work.perform(commands.SpeakFiller("resp_1", words, "", 1.0))
        await work.finish()
        await work.end()
    return told


async def test_a_filler_comes_whole(upstream: Upstream) -> None:
    assert await speak_filler(upstream, "Un momento.") == [
        engine_events.FillerReady("resp_1", make_speech("Un momento."))
    ]


async def test_a_filler_that_fails_is_not_missed(upstream: Upstream) -> None:
    upstream.behave("speech", fault="401")
    assert await speak_filler(upstream, "Un instant.") == []


async def test_a_filler_without_end_is_left_out(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversations.session.engine_calls.engine_tasks.MOST_FILLER_SEC", 0.1)
    assert await speak_filler(upstream, "Einen Moment.") == []


async def test_a_filler_that_is_slow_itself_is_left_out(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversations.session.engine_calls.engine_tasks.FILLER_TIMEOUT_SEC", 0.1)
    upstream.behave("speech", first_byte_ms=5_000)
    assert await speak_filler(upstream, "Et øjeblik.") == []
