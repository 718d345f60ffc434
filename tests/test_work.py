"""A session's engines at work, each piece of it a task by its id."""

import asyncio
import gc
from typing import Any

from conversations.engine_choice import EngineSet
from conversations.engines.base import EngineSpec
from conversations.realtime import actions as do
from conversations.realtime.context import Message
from conversations.reply import Reply
from conversations.store import Caller, Opened
from conversations.work import Work
from tests.upstream.fixtures import Upstream


def opened(upstream: Upstream) -> Opened:
    stt, llm, tts = (
        EngineSpec("openai", model, base_url=upstream.openai_url) for model in ("gpt-transcribe", "gpt-6-luna", "tts-1")
    )
    return Opened(
        pk=1,
        public_id="conv_1",
        caller=Caller(1),
        assistant_slug="a",
        instructions="",
        language="en",
        speed=1.0,
        patience="",
        keywords=(),
        speculation=True,
        engines=EngineSet(stt, llm, tts),
        items=[],
    )


def replies() -> int:
    gc.collect()
    return sum(type(one) is Reply for one in gc.get_objects())  # isinstance would wake other tests' lazy objects


async def test_a_reply_dropped_before_it_began_leaves_nothing(upstream: Upstream) -> None:
    """Begun in a pause that the same frame of audio ends."""
    told: list[Any] = []
    before = replies()
    async with asyncio.TaskGroup() as group:
        work = Work(opened(upstream), told.append)
        work.begin(group)
        work.perform(do.Generate("resp_1", [Message("user", "Hello.")], None, is_ahead=True))
        work.perform(do.Abort("resp_1"))
        for _ in range(3):  # cancelled, over, forgotten
            await asyncio.sleep(0)
        assert replies() == before
        await work.end()
    assert told == []
