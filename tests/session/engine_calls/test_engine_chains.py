"""A provider that fails before its first output, and what answers in its place."""

import asyncio
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from conversations.engines.base import EngineSpec
from conversations.engines.demo.eliza import find_reply
from conversations.engines.engine_kinds import EngineKind
from conversations.engines.local.voices.catalogue import note_choice
from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.context import ContextMessage
from conversations.realtime.engine_events import GenerationFailed, SpeechAudio, TextDelta
from conversations.session.engine_calls.engine_chains import EngineChains
from conversations.session.engine_calls.engine_tasks import EngineTasks
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
    engines = EngineSet(stt, llm, tts, fallbacks={kind: (DEMO[kind],) for kind in kinds})  # type: ignore[misc]
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


def build_chains(tts: EngineSpec) -> EngineChains:
    return EngineChains(EngineSet(DEMO["stt"], DEMO["llm"], tts), user_id=1, keeps_words=False)


def collect_text(told: list[Any]) -> str:
    return "".join(event.text for event in told if isinstance(event, TextDelta))


def say(text: str) -> list[commands.EngineCommand]:
    return [
        commands.Generate("resp_1", HELLO, None),
        commands.SpeakClause("resp_1", 0, text, "", 1.0),
        commands.EndSpeech("resp_1"),
    ]


async def test_the_chosen_engines_answer_where_they_can(upstream: Upstream) -> None:
    upstream.script(replies=("Here I am.",))
    told, work = await run(build_opened(upstream, "llm", "tts"), *say("Here I am."))
    assert collect_text(told) == "Here I am."
    assert work.get_label("llm", "resp_1") == "openai:gpt-6-luna"
    assert work.get_label("tts", "resp_1") == "openai:tts-1"


def test_the_label_has_the_model_that_this_machine_chose(tmp_path: Path) -> None:
    here = EngineSpec("local", "auto", folder=str(tmp_path))
    chains = build_chains(here)
    assert chains.get_label("tts", "resp_1") == "local:auto"
    note_choice(str(tmp_path), "hibari")
    assert chains.get_label("tts", "resp_1") == "local:hibari"


def test_the_label_has_the_voice_of_this_machine_that_was_picked() -> None:
    here, hosted = EngineSpec("local", "auto"), EngineSpec("openai", "tts-1")
    chains = build_chains(here)
    for response_id, voice in (("resp_1", "bf_emma"), ("resp_2", "marin"), ("resp_3", "piper-\0")):
        chains.note_voice(response_id, voice)
    labels = [chains.get_label("tts", f"resp_{number}") for number in (1, 2, 3)]
    assert labels == ["local:auto:bf_emma", "local:auto", "local:auto"]
    chains = build_chains(hosted)
    chains.note_voice("resp_1", "bf_emma")
    assert chains.get_label("tts", "resp_1") == "openai:tts-1"


@pytest.mark.parametrize("fault", ["401", "500", "cut"])
async def test_a_model_that_fails(upstream: Upstream, fault: str) -> None:
    upstream.behave("chat", fault=fault)
    told, work = await run(build_opened(upstream, "llm"), *say("Hello."))
    assert collect_text(told) == find_reply(["Hello."])
    assert work.get_label("llm", "resp_1") == "demo:eliza"
    assert work.get_label("tts", "resp_1") == "openai:tts-1"
    assert work.get_label("llm", "resp_2") == "openai:gpt-6-luna"


async def test_one_that_hangs_leaves_time_for_the_other(upstream: Upstream) -> None:
    upstream.behave("chat", fault="hang")
    generate = commands.Generate("resp_1", HELLO, None, due_at=monotonic() + 3)
    told, _ = await run(build_opened(upstream, "llm"), generate, commands.EndSpeech("resp_1"))
    assert collect_text(told) == find_reply(["Hello."])


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


async def test_both_may_fail(upstream: Upstream) -> None:
    opened = build_opened(upstream, "tts")
    nowhere = replace(opened.engines.tts, base_url="http://127.0.0.1:9/v1")
    opened = replace(opened, engines=replace(opened.engines, tts=nowhere, fallbacks={"tts": (nowhere,)}))
    told, _ = await run(opened, *say("Hello."))
    assert [type(event) for event in told if isinstance(event, GenerationFailed)] == [GenerationFailed]


def chain_up(opened: OpenedConversation, kind: EngineKind, *specs: EngineSpec) -> OpenedConversation:
    """Return the conversation with these engines behind the chosen one of a kind."""
    return replace(opened, engines=replace(opened.engines, fallbacks={kind: specs}))


async def test_a_voice_is_kept_where_the_next_engine_has_it(upstream: Upstream) -> None:
    upstream.behave("speech", fault="500", fault_model="tts-1")
    opened = build_opened(upstream)
    behind = EngineSpec("openai", "gpt-4o-mini-tts", "marin", base_url=upstream.openai_url)
    clause = commands.SpeakClause("resp_1", 0, "No cache has that.", "ash", 1.0)
    generate, end = commands.Generate("resp_1", HELLO, None), commands.EndSpeech("resp_1")
    _, work = await run(chain_up(opened, "tts", behind), generate, clause, end)
    asked = upstream.list_requests("speech")[-1]["asked"]
    assert (asked["model"], asked["voice"]) == ("gpt-4o-mini-tts", "ash")
    assert work.get_label("tts", "resp_1") == "openai:gpt-4o-mini-tts:marin"


async def test_the_rest_of_a_reply_stays_with_the_voice_that_took_over(upstream: Upstream) -> None:
    upstream.behave("speech", fault="500", fault_model="tts-1")
    behind = EngineSpec("openai", "gpt-4o-mini-tts", base_url=upstream.openai_url)
    opened = chain_up(build_opened(upstream), "tts", behind)
    first = [*say("The first of two clauses.")[:2]]
    told: list[Any] = []
    async with asyncio.TaskGroup() as group, asyncio.timeout(30):
        work = EngineTasks(opened, told.append)
        work.begin(group)
        for command in first:
            work.perform(command)
        await asyncio.to_thread(upstream.wait_for, "speech", "done")
        upstream.behave("speech", fault="")
        work.perform(commands.SpeakClause("resp_1", 1, "The second of two clauses.", "", 1.0))
        work.perform(commands.EndSpeech("resp_1"))
        await work.finish()
        await work.end()
    spoken = [request["asked"]["model"] for request in upstream.list_requests("speech") if request["ending"] == "done"]
    assert spoken == ["gpt-4o-mini-tts"] * 2
    told.clear()
    _, work = await run(opened, *say("Another reply."))
    assert work.get_label("tts", "resp_1") == "openai:tts-1"


@pytest.mark.parametrize(("is_spoken", "is_replaced"), [(True, True), (False, False)])
async def test_words_that_nobody_has_heard_are_replaced(upstream: Upstream, is_spoken: bool, is_replaced: bool) -> None:
    """In text each word is told as it comes, and stays."""
    upstream.behave("chat", fault="cut", fault_after=2, fault_model="gpt-6-luna")
    upstream.script(replies=("I think it", "It is noon."))
    behind = EngineSpec("openai", "gpt-6-nova", base_url=upstream.openai_url)
    generate = commands.Generate("resp_1", HELLO, None, is_spoken=is_spoken)
    told, work = await run(chain_up(build_opened(upstream), "llm", behind), generate, commands.EndSpeech("resp_1"))
    kinds = [type(event) for event in told]
    assert (engine_events.TextWithdrawn in kinds, GenerationFailed in kinds) == (is_replaced, not is_replaced)
    assert collect_text(told).endswith("It is noon.") == is_replaced
    assert work.get_label("llm", "resp_1") == f"openai:{'gpt-6-nova' if is_replaced else 'gpt-6-luna'}"


async def test_a_call_of_a_tool_is_not_taken_back(upstream: Upstream) -> None:
    upstream.behave("chat", fault="cut", fault_after=2, fault_model="gpt-6-luna")
    upstream.script(replies=({"calls": [{"name": "clock", "arguments": {"zone": "Europe/Vienna"}}]},))
    behind = EngineSpec("openai", "gpt-6-nova", base_url=upstream.openai_url)
    generate = commands.Generate("resp_1", HELLO, None, is_spoken=True)
    told, _ = await run(chain_up(build_opened(upstream), "llm", behind), generate, commands.EndSpeech("resp_1"))
    assert [event for event in told if isinstance(event, GenerationFailed)]
    assert not [event for event in told if isinstance(event, engine_events.TextWithdrawn)]


async def test_a_text_of_nothing_is_no_failure(upstream: Upstream) -> None:
    told, work = await run(build_opened(upstream, "tts"), *say(" "))
    assert [event for event in told if isinstance(event, GenerationFailed)] == []
    assert work.get_label("tts", "resp_1") == "openai:tts-1"


async def test_the_engines_behind_are_closed_too(upstream: Upstream) -> None:
    """A Realtime model that reads aloud keeps a connection of its own."""
    upstream.behave("speech", fault="500")
    behind = EngineSpec("openai-realtime", "gpt-realtime-2.1-mini", "marin", base_url=upstream.openai_url)
    _, work = await run(chain_up(build_opened(upstream), "tts", behind), *say("No cache has this one."))
    assert work.get_label("tts", "resp_1").startswith("openai-realtime:")
    await asyncio.to_thread(upstream.wait_for, "live_conversations", "closed_by_peer")


async def test_one_that_keeps_failing_is_skipped(upstream: Upstream) -> None:
    upstream.behave("chat", fault="401", fault_model="gpt-6-luna")
    behind = EngineSpec("openai", "gpt-6-nova", base_url=upstream.openai_url)
    opened = chain_up(build_opened(upstream), "llm", behind)
    for _ in range(4):
        told, work = await run(opened, *say("Hello."))
        assert collect_text(told)
        assert work.get_label("llm", "resp_1") == "openai:gpt-6-nova"
    models = [request["asked"]["model"] for request in upstream.list_requests("chat")]
    assert (models.count("gpt-6-luna"), models.count("gpt-6-nova")) == (3, 4)


async def test_one_behind_which_nothing_stands_is_never_skipped(upstream: Upstream) -> None:
    upstream.behave("chat", fault="401")
    for _ in range(4):
        await run(build_opened(upstream), *say("Hello."))
    assert len(upstream.list_requests("chat")) == 4
    upstream.behave("chat", fault="")
    told, _ = await run(build_opened(upstream), *say("Hello."))
    assert collect_text(told)
