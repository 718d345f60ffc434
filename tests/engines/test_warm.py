"""Connections that are ready before they are needed."""

import asyncio
from collections.abc import Awaitable, Callable

import grpc
import pytest

from conversations.engines import google
from conversations.engines.base import ChatMessage, Connectable, EngineSpec
from conversations.engines.registry import make_llm, make_stt, make_tts
from conversations.network import http
from tests.upstream.fixtures import Upstream

HELLO = [ChatMessage("user", "Hello.")]


def make_spec(upstream: Upstream) -> EngineSpec:
    return EngineSpec("openai", "a-model", api_key="sk-test", base_url=upstream.openai_url)


async def transcribe(spec: EngineSpec) -> None:
    await make_stt(spec).transcribe(bytes(48_000))


async def complete(spec: EngineSpec) -> None:
    assert [piece async for piece in make_llm(spec).complete(HELLO)]


async def speak(spec: EngineSpec) -> None:
    assert [piece async for piece in make_tts(spec).speak("Hello.")]


def connect(engine: object) -> Awaitable[None]:
    assert isinstance(engine, Connectable)
    return engine.connect()


@pytest.mark.parametrize(
    ("make", "ask", "endpoint"),
    [(make_stt, transcribe, "transcriptions"), (make_llm, complete, "chat"), (make_tts, speak, "speech")],
)
async def test_it_works(
    upstream: Upstream,
    make: Callable[[EngineSpec], object],
    ask: Callable[[EngineSpec], Awaitable[None]],
    endpoint: str,
) -> None:
    """The first request goes over the connection that was made before, without a key."""
    spec = make_spec(upstream)
    await connect(make(spec))
    await ask(spec)
    [warming], [request] = upstream.list_requests("models"), upstream.list_requests(endpoint)
    assert warming["peer"] == request["peer"]
    assert warming["key"] == ""


async def test_a_session_makes_two_and_the_next_sessions_none(upstream: Upstream) -> None:
    """Speech overlaps with the reply that it speaks."""
    spec = make_spec(upstream)
    for _ in range(3):
        engines = (make_stt(spec), make_llm(spec), make_tts(spec))
        await asyncio.gather(*(connect(engine) for engine in engines for _ in range(3)))
    peers = [request["peer"] for request in upstream.list_requests("models")]
    assert len(peers) == len(set(peers)) == 2


async def test_it_is_done_again_before_the_connection_is_given_up(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "WARM_SEC", 0.0)
    llm = make_llm(make_spec(upstream))
    await connect(llm)
    await connect(llm)
    assert len({request["peer"] for request in upstream.list_requests("models")}) == 1
    assert len(upstream.list_requests("models")) == 2


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1", "http://[", "localhost:9/v1", "ftp://localhost/v1"])
async def test_what_is_wrong_shows_in_the_request(url: str) -> None:
    await connect(make_llm(EngineSpec("openai", base_url=url)))


@pytest.mark.parametrize("fault", ["401", "500", "cut", "302"])
async def test_any_answer_will_do(upstream: Upstream, fault: str) -> None:
    upstream.behave("models", fault=fault)
    await connect(make_llm(make_spec(upstream)))


async def test_a_users_base_url_leads_to_no_private_address(upstream: Upstream) -> None:
    await connect(make_llm(EngineSpec("openai", base_url=upstream.openai_url, public_only=True)))
    assert upstream.list_requests("models") == []


async def test_google_connects_in_the_background(upstream: Upstream) -> None:
    await connect(make_tts(EngineSpec("google", api_key="AIza-test", base_url=upstream.google_url)))
    channel = google.get_shared_channel(upstream.google_url)
    async with asyncio.timeout(5):
        while (state := channel.get_state()) is not grpc.ChannelConnectivity.READY:
            await channel.wait_for_state_change(state)
