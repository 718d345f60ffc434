"""Every engine at every kind of fault with another engine behind it: what the client gets, and what is stored.

`test_engine_faults.py` has the same faults where nothing stands behind the engine.
"""

import base64
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from conversations.models import Assistant, Item
from tests.support.live import Site, run_site
from tests.support.official_client import MANUAL, Connect, Talk, load_items
from tests.upstream.door import Door, build_env, open_doors
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db")

FAULTS = {"slow": "hang", "down": "503", "rate-limited": "429_rate", "garbage": "garbage", "cut": "cut"}
Fallback = tuple[str, str, str]  # kind, provider, model


@dataclass(frozen=True)
class Engine:
    """An engine, the endpoints that the faults strike, and what is stored of the one that stands behind it."""

    kind: str
    assistant: dict[str, str]
    endpoints: tuple[str, ...]
    fallback: Fallback
    label: str
    door: str = "openai"
    model: str = ""  # which of the models there the faults strike


DEMO_MIND = {"llm_engine": "demo"}
ENGINES = {
    "stt file": Engine(
        "stt", {"stt_engine": "openai", "stt_model": "whisper-1"}, ("transcriptions",),
        ("stt", "openai", "whisper-2"), "openai:whisper-2", model="whisper-1",
    ),
    "stt stream": Engine(
        "stt", {}, ("live_transcriptions", "transcriptions"),
        ("stt", "openai", "whisper-2"), "openai:whisper-2", model="gpt-transcribe",
    ),
    "llm": Engine("llm", {}, ("chat",), ("llm", "demo", ""), "demo:eliza"),
    "tts openai": Engine(
        "tts", DEMO_MIND | {"tts_engine": "openai"}, ("speech",), ("tts", "google", ""),
        "google:en-US-Chirp3-HD-Kore",
    ),
    "tts realtime": Engine(
        "tts", DEMO_MIND | {"tts_engine": "openai-realtime"}, ("live_conversations",), ("tts", "google", ""),
        "google:en-US-Chirp3-HD-Kore",
    ),
    "tts google": Engine(
        "tts", DEMO_MIND | {"tts_engine": "google"}, ("google_streaming",), ("tts", "openai", "tts-1"),
        "openai:tts-1:marin", "google",
    ),
}  # fmt: skip
CASES = [(name, fault) for name in ENGINES for fault in FAULTS]


@dataclass
class World:
    site: Site
    doors: dict[str, Door]


@pytest.fixture(scope="module")
def world(database_url: str, upstream_process: Upstream) -> Iterator[World]:
    ports = [urlsplit(url).port or 0 for url in (upstream_process.openai_url, upstream_process.google_url)]
    with open_doors(*ports) as (openai, google):
        env = {
            **build_env(openai, google),
            "ENGINE_TIMEOUT_SEC": "1",
            "ENGINE_CIRCUIT_FAILURES": "60",
            "SPEECH_CACHE_MB": "0",
        }
        with run_site(database_url, env) as site:
            yield World(site, {"openai": openai, "google": google})


@pytest.fixture
def talk_with(world: World, connect: Connect, upstream: Upstream) -> Callable[..., Any]:
    """`async with talk_with(fields, fallback, …) as talk`: with an assistant that has these."""

    @asynccontextmanager
    async def open_talk(fields: dict[str, str], *fallbacks: Fallback) -> AsyncIterator[Talk]:
        slug = f"fallback-{uuid4().hex[:12]}"
        assistant = await Assistant.objects.acreate(slug=slug, name=slug, instructions="Be brief.", **fields)
        for position, (kind, provider, model) in enumerate(fallbacks):
            await assistant.fallbacks.acreate(kind=kind, provider=provider, model=model, position=position)
        async with connect(url=world.site.url, assistant=slug) as talk:
            await talk.send.session.update(session=MANUAL)  # type: ignore[arg-type]
            yield talk

    return open_talk


async def take_turn(talk: Talk, utterance: bytes | None = None) -> dict[str, Any]:
    """Take one turn, spoken or typed, and return its response as it has ended."""
    if utterance is None:
        await talk.type(f"Tell me {uuid4().hex[:6]}, please.")
    else:
        await talk.send.input_audio_buffer.append(audio=base64.b64encode(utterance).decode())
        await talk.send.input_audio_buffer.commit()
        await talk.send.response.create()
    done = await talk.wait_for("response.done")
    response: dict[str, Any] = done["response"]
    return response


async def load_labelled(talk: Talk, kind: str) -> list[Item]:
    """Return the items that engines of this kind made: what the user said, or what was answered."""
    role = "user" if kind == "stt" else "assistant"
    return [item for item in await load_items(talk.conversation_id) if item.role == role]


def strike(engine: Engine, fault: str, world: World, upstream: Upstream) -> None:
    """Let the fault strike. What is down refuses connections, or says so where its fallback has the same address."""
    if fault == "down" and not engine.model:
        world.doors[engine.door].shut()
        return
    for endpoint in engine.endpoints:
        model = "" if endpoint.startswith("live") else engine.model
        upstream.behave(endpoint, fault=FAULTS[fault], fault_model=model)


@pytest.mark.parametrize(("name", "fault"), CASES)
async def test_another_engine_answers(
    world: World, talk_with: Callable[..., Any], upstream: Upstream, utterance: bytes, name: str, fault: str
) -> None:
    engine = ENGINES[name]
    try:
        async with talk_with(engine.assistant, engine.fallback) as talk:
            strike(engine, fault, world, upstream)
            response = await take_turn(talk, utterance if engine.kind == "stt" else None)
            assert response["status"] == "completed", response["status_details"]
            assert len(talk.collect_audio()) > 10_000
    finally:
        world.doors[engine.door].open()
    [item] = await load_labelled(talk, engine.kind)
    assert getattr(item, engine.kind) == engine.label
    assert (item.status, item.error_code) == ("completed", "")
    assert item.text
    assert item.clip.size_bytes > 1_000
    assert "Traceback" not in world.site.log


LONG = "These are words of a long reply, and there are many of them. " * 5


@pytest.mark.parametrize(
    ("name", "endpoint", "fault", "code"),
    [("llm", "chat", "hang", "engine_timeout"), ("tts openai", "speech", "cut", "engine_unavailable")],
)
async def test_what_breaks_off_amid_its_sound_ends_with_a_sentence(
    talk_with: Callable[..., Any], upstream: Upstream, name: str, endpoint: str, fault: str, code: str
) -> None:
    """What was said stays. Nobody else goes on with it, and the next turn begins with the chosen engine again."""
    engine = ENGINES[name]
    upstream.behave(endpoint, fault=fault, fault_after=20 if name == "llm" else 2)
    upstream.script(replies=(LONG,))
    async with talk_with(engine.assistant, engine.fallback) as talk:
        response = await take_turn(talk)
        assert response["status"] == "failed"
        error = response["status_details"]["error"]
        assert (error["code"], error["message"].endswith("Please try again.")) == (code, True)
        upstream.behave(endpoint, fault="")
        assert (await take_turn(talk))["status"] == "completed"
    broken, whole = await load_labelled(talk, engine.kind)
    assert (broken.status, broken.error_code) == ("incomplete", code)
    assert broken.text
    assert engine.label not in (getattr(broken, engine.kind), getattr(whole, engine.kind))


async def test_words_that_break_off_before_their_sound_are_replaced(
    talk_with: Callable[..., Any], upstream: Upstream
) -> None:
    upstream.behave("chat", fault="cut", fault_after=2)
    async with talk_with({}, ENGINES["llm"].fallback) as talk:
        assert (await take_turn(talk))["status"] == "completed"
    [item] = await load_labelled(talk, "llm")
    assert (item.llm, item.status) == ("demo:eliza", "completed")
    assert not item.text.startswith("You said")


async def test_if_all_fail_there_is_one_sentence(talk_with: Callable[..., Any], upstream: Upstream) -> None:
    upstream.behave("chat", fault="500")
    async with talk_with({}, ("llm", "openai", "gpt-6-nova"), ("llm", "openai", "gpt-6-umbra")) as talk:
        response = await take_turn(talk)
        assert response["status"] == "failed"
        said = "The language model (OpenAI-compatible server) has a problem on its side (error 500)."
        assert response["status_details"]["error"]["message"] == f"{said} Try again in a moment."
        assert "error" not in talk.kinds
        models = [request["asked"]["model"] for request in upstream.list_requests("chat")]
        assert list(dict.fromkeys(models)) == ["gpt-6-luna", "gpt-6-nova", "gpt-6-umbra"]
        upstream.behave("chat", fault="")
        assert (await take_turn(talk))["status"] == "completed"
    failed = [item for item in await load_items(talk.conversation_id) if item.error_code]
    assert [item.status for item in failed] in ([], ["incomplete"])


async def test_what_was_used_is_counted_once(talk_with: Callable[..., Any], upstream: Upstream) -> None:
    upstream.behave("chat", fault="500", fault_model="gpt-6-luna")
    upstream.behave("speech", fault="500", fault_model="gpt-4o-mini-tts")
    fallbacks = ("llm", "openai", "gpt-6-nova"), ("tts", "openai", "tts-1")
    async with talk_with({"tts_engine": "openai"}, *fallbacks) as talk:
        assert (await take_turn(talk))["status"] == "completed"
    [item] = await load_labelled(talk, "llm")
    assert (item.llm, item.tts) == ("openai:gpt-6-nova", "openai:tts-1:marin")
    [answered] = [one for one in upstream.list_requests("chat") if one["asked"]["model"] == "gpt-6-nova"]
    assert item.input_tokens == sum(len(message["content"].split()) for message in answered["asked"]["messages"])
    assert item.output_tokens == answered["pieces"]
    spoken = [one["asked"]["input"] for one in upstream.list_requests("speech") if one["asked"]["model"] == "tts-1"]
    assert item.tts_characters == sum(map(len, spoken))
