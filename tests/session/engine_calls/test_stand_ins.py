"""A provider that fails before its first output, and what answers in its place. The demo's engines stand in here."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from conversations.engines.base import EngineSpec
from conversations.engines.demo.eliza import find_reply
from conversations.engines.errors import EngineError, EngineUnavailable
from conversations.engines.local.voices.catalogue import note_choice
from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.context import ContextMessage
from conversations.realtime.engine_events import GenerationFailed, SpeechAudio, TextDelta
from conversations.session.engine_calls.engine_tasks import EngineTasks
from conversations.session.engine_calls.stand_ins import StandIns, stream_by_either
from conversations.storage.callers import Caller
from conversations.storage.engine_selection import EngineSet
from conversations.storage.store import OpenedConversation
from tests.upstream.fixtures import Upstream

HELLO = [ContextMessage("user", "Hello.")]
DEMO = {
    "stt": EngineSpec("demo", "pocketsphinx"),
    "llm": EngineSpec("demo", "eliza"),
    "tts": EngineSpec("demo", "espeak-ng"),
}


def build_opened(upstream: Upstream, *kinds: str) -> OpenedConversation:
    """Return a conversation with engines of the upstream, and the demo's behind those of these kinds."""
    stt, llm, tts = (
        EngineSpec("openai", model, base_url=upstream.openai_url) for model in ("gpt-transcribe", "gpt-6-luna", "tts-1")
    )
    engines = EngineSet(stt, llm, tts, stand_ins={kind: DEMO[kind] for kind in kinds})  # type: ignore[misc]
    return OpenedConversation(
        pk=None, public_id="conv_1", caller=Caller(1), assistant_slug="a", instructions="", language="en", speed=1.0,
        patience="", keywords=(), preemptive_generation=True, engines=engines, items=[],
    )  # fmt: skip


async def run(opened: OpenedConversation, *asked: commands.EngineCommand) -> tuple[list[Any], EngineTasks]:
    """Perform these, and return what was reported."""
    told: list[Any] = []
    async with asyncio.TaskGroup() as group, asyncio.timeout(30):
        work = EngineTasks(opened, told.append)
        work.begin(group)
        for command in asked:
            work.perform(command)
        await work.finish()
        await work.end()
    return told, work


def say(text: str) -> list[commands.EngineCommand]:
    return [
        commands.Generate("resp_1", HELLO, None),
        commands.SpeakClause("resp_1", 0, text, "", 1.0),
        commands.EndSpeech("resp_1"),
    ]


async def test_the_chosen_engines_answer_where_they_can(upstream: Upstream) -> None:
    upstream.script(replies=("Here I am.",))
    told, work = await run(build_opened(upstream, "llm", "tts"), *say("Here I am."))
    assert "".join(event.text for event in told if isinstance(event, TextDelta)) == "Here I am."
    assert work.get_label("llm", "resp_1") == "openai:gpt-6-luna"
    assert work.get_label("tts", "resp_1") == "openai:tts-1"


def test_the_label_has_the_model_that_this_machine_chose(tmp_path: Path) -> None:
    here = EngineSpec("local", "auto", folder=str(tmp_path))
    stand_ins = StandIns(EngineSet(DEMO["stt"], DEMO["llm"], here))
    assert stand_ins.get_label("tts", "resp_1") == "local:auto"
    note_choice(str(tmp_path), "hibari")
    assert stand_ins.get_label("tts", "resp_1") == "local:hibari"


def test_the_label_has_the_voice_of_this_machine_that_was_picked() -> None:
    here, hosted = EngineSpec("local", "auto"), EngineSpec("openai", "tts-1")
    stand_ins = StandIns(EngineSet(DEMO["stt"], DEMO["llm"], here))
    for response_id, voice in (("resp_1", "bf_emma"), ("resp_2", "marin"), ("resp_3", "piper-\0")):
        stand_ins.note_voice(response_id, voice)
    labels = [stand_ins.get_label("tts", f"resp_{number}") for number in (1, 2, 3)]
    assert labels == ["local:auto:bf_emma", "local:auto", "local:auto"]
    stand_ins = StandIns(EngineSet(DEMO["stt"], DEMO["llm"], hosted))
    stand_ins.note_voice("resp_1", "bf_emma")
    assert stand_ins.get_label("tts", "resp_1") == "openai:tts-1"


@pytest.mark.parametrize("fault", ["401", "500", "cut"])
async def test_a_model_that_fails(upstream: Upstream, fault: str) -> None:
    upstream.behave("chat", fault=fault)
    told, work = await run(build_opened(upstream, "llm"), *say("Hello."))
    assert "".join(event.text for event in told if isinstance(event, TextDelta)) == find_reply(["Hello."])
    assert work.get_label("llm", "resp_1") == "demo:eliza"
    assert work.get_label("tts", "resp_1") == "openai:tts-1"
    assert work.get_label("llm", "resp_2") == "openai:gpt-6-luna"


async def test_one_that_hangs_leaves_time_for_the_other(upstream: Upstream) -> None:
    upstream.behave("chat", fault="hang")
    generate = commands.Generate("resp_1", HELLO, None, due_at=monotonic() + 3)
    told, _ = await run(build_opened(upstream, "llm"), generate, commands.EndSpeech("resp_1"))
    assert "".join(event.text for event in told if isinstance(event, TextDelta)) == find_reply(["Hello."])


async def test_a_voice_that_fails(upstream: Upstream) -> None:
    upstream.behave("speech", fault="500")
    told, work = await run(build_opened(upstream, "tts"), *say("No cache has this."))
    assert sum(len(event.pcm) for event in told if isinstance(event, SpeechAudio)) > 10_000
    assert work.get_label("tts", "resp_1") == "demo:espeak-ng"


async def test_ears_that_fail(upstream: Upstream) -> None:
    upstream.behave("transcriptions", fault="500")
    transcribe = commands.Transcribe("item_1", 0, bytes(24_000), "en", "")
    told, work = await run(build_opened(upstream, "stt"), transcribe)
    assert [type(event) for event in told] == [engine_events.TranscriptReady]
    assert work.get_label("stt", "item_1") == "demo:pocketsphinx"


async def test_without_one_it_is_an_error(upstream: Upstream) -> None:
    upstream.behave("chat", fault="500")
    told, work = await run(build_opened(upstream, "tts"), *say("Hello."))
    assert [type(event) for event in told if isinstance(event, GenerationFailed)] == [GenerationFailed]
    assert work.get_label("llm", "resp_1") == "openai:gpt-6-luna"


async def test_what_fails_amid_its_output_is_not_gone_on_with() -> None:
    async def break_off() -> AsyncGenerator[str]:
        yield "I think"
        raise EngineUnavailable("llm", "openai", "It broke off.")

    async def never() -> AsyncGenerator[str]:
        yield "No."

    notes: list[str] = []
    stream = stream_by_either(break_off(), never, lambda: notes.append("fell back"))
    assert await anext(stream) == "I think"
    with pytest.raises(EngineError):
        await anext(stream)
    assert notes == []


async def test_both_may_fail(upstream: Upstream) -> None:
    opened = build_opened(upstream, "tts")
    nowhere = replace(opened.engines.tts, base_url="http://127.0.0.1:9/v1")
    opened = replace(opened, engines=replace(opened.engines, tts=nowhere, stand_ins={"tts": nowhere}))
    told, _ = await run(opened, *say("Hello."))
    assert [type(event) for event in told if isinstance(event, GenerationFailed)] == [GenerationFailed]
