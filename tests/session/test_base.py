"""A defect of what decides a session, or of what performs it, by each way in: told once to log and client."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import pytest
from openai.types import realtime as sdk

from conversations.engines.base import EngineSpec
from conversations.realtime.deadlines import Deadline
from conversations.realtime.engine_events import ClientGone, DeadlinePassed, PartialTranscript, SpeechWindow, ToolsReady
from conversations.realtime.relay.upstream_events import UpstreamEvent
from conversations.realtime.user_turn.utterance import PendingTranscript
from conversations.session.base import Session
from conversations.session.cascade import CascadeSession
from conversations.session.s2s import S2SSession
from conversations.storage.callers import Caller
from conversations.storage.engine_selection import EngineSet
from conversations.storage.store import OpenedConversation
from tests.upstream.fixtures import Upstream

APPEND = bytes(4_800)
BROKEN = "a session failed in conversation"


def make_opened(upstream: Upstream) -> OpenedConversation:
    names = ("gpt-transcribe", "gpt-6-luna", "tts-1")
    stt, llm, tts = (EngineSpec("openai", name, base_url=upstream.openai_url, api_key="sk-1") for name in names)
    return OpenedConversation(
        pk=None, public_id="", caller=Caller(1), assistant_slug="a", instructions="", language="en", speed=1.0,
        patience="", keywords=(), preemptive_generation=True, engines=EngineSet(stt, llm, tts), items=[],
    )  # fmt: skip


class Client:
    """What a client is sent, and the code that its socket is closed with."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.closed = 0
        self.hears = asyncio.Event()

    async def send(self, frame: str) -> None:
        self.told.append(json.loads(frame))
        self.hears.set()

    async def close(self, code: int) -> None:
        self.closed = code


def make_cascade(upstream: Upstream, client: Client) -> Session:
    return CascadeSession(make_opened(upstream), client.send, client.close, "", 1_900_000_000)


def make_s2s(upstream: Upstream, client: Client) -> Session:
    spec = EngineSpec("openai", "gpt-realtime-2.1", base_url=upstream.openai_url, api_key="sk-1")
    return S2SSession(make_opened(upstream), spec, client.send, client.close, "", 1_900_000_000)


@asynccontextmanager
async def broken(session: Session, where: type, client: Client) -> AsyncIterator[None]:
    """Run a session until it ends by itself; its machine has a defect in handling events of the type `where`."""

    def defect(_: Any) -> None:
        session.machine.state.send("rate_limits.updated", rate_limits=[])
        raise RuntimeError("a defect")

    handlers = session.machine._handlers  # type: ignore[attr-defined]
    handlers[where] = defect
    running = asyncio.create_task(session.run())
    async with asyncio.timeout(10):
        await client.hears.wait()
        yield
        await running


def partial(session: Any) -> None:
    """Report a partial transcript, as the engine's connection does."""
    session.machine.state.pending["item_1"] = PendingTranscript(0.0)
    session._engine_tasks.transcriber._item_id = "item_1"
    session._engine_tasks.transcriber._report_partial("Hello")


WAYS: dict[str, tuple[Any, type, Callable[[Any], object]]] = {
    "a client's frame": (
        make_cascade, sdk.InputAudioBufferClearEvent,
        lambda session: session.feed('{"type": "input_audio_buffer.clear"}')),
    "a deadline": (
        make_cascade, DeadlinePassed, lambda session: session._deadlines.set(Deadline("idle"), 0.0)),
    "a partial transcript": (make_cascade, PartialTranscript, partial),
    "a window of detection": (make_cascade, SpeechWindow, lambda session: session.feed(APPEND)),
    "what a tool brought": (make_cascade, ToolsReady, lambda session: session._engine_tasks._report(ToolsReady(()))),
    "an event of speech to speech": (
        make_s2s, UpstreamEvent, lambda session: session._upstream._report(UpstreamEvent({"type": "x"}))),
    "a deadline of speech to speech": (
        make_s2s, DeadlinePassed, lambda session: session._deadlines.set(Deadline("response"), 0.0)),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
async def test_a_defect_ends_the_session(way: str, upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    make, where, happens = WAYS[way]
    client = Client()
    session = make(upstream, client)
    async with broken(session, where, client):
        happens(session)
        happens(session)
    assert [record.message for record in caplog.records if record.levelno == logging.ERROR] == [f"{BROKEN} "]
    last = client.told[-1]
    assert (last["type"], last["error"]["type"], last["error"]["code"]) == ("error", "server_error", "internal_error")
    assert [event["type"] for event in client.told].count("error") == 1
    assert client.closed == 1011


@pytest.mark.parametrize("make", [make_cascade, make_s2s])
async def test_what_was_half_decided_does_not_leave(make: Any, upstream: Upstream) -> None:
    client = Client()
    session = make(upstream, client)
    async with broken(session, DeadlinePassed, client):
        session._dispatch.receive(DeadlinePassed(Deadline("idle")))
    assert "rate_limits.updated" not in [event["type"] for event in client.told]


async def test_what_performs_may_break_too(upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    client = Client()
    session = make_cascade(upstream, client)
    async with broken(session, UpstreamEvent, client):
        session.machine._handlers[ToolsReady] = lambda _: session.machine.state.send("response.done")  # type: ignore[attr-defined]
        session._dispatch.receive(ToolsReady(()))  # it has no response
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1
    assert client.closed == 1011


@pytest.mark.parametrize("make", [make_cascade, make_s2s])
async def test_a_session_that_was_cut_short_acts_upon_nothing_more(
    make: Any, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """Its tasks would have no group: each deadline and each late word of an engine would be a traceback."""
    client = Client()
    session = make(upstream, client)
    running = asyncio.create_task(session.run())
    await asyncio.wait_for(client.hears.wait(), 10)
    session._deadlines.set(Deadline("response"), monotonic() + 60)
    (deadline,) = session._deadlines._timers.values()
    running.cancel()
    await asyncio.wait([running])
    assert deadline.cancelled()
    told = list(client.told)
    session._dispatch.receive(DeadlinePassed(Deadline("response")))
    session._dispatch.receive(ClientGone(vanished=True))
    session.close(1012, "server_restarting", "Too late.")
    await asyncio.sleep(0)
    assert client.told == told
    assert not [record for record in caplog.records if record.levelno == logging.ERROR]


async def test_the_reason_is_told_however_many_find_it(upstream: Upstream) -> None:
    """A deleted conversation: whoever watches it sees that, and so does what is to be stored."""
    client = Client()
    session = make_cascade(upstream, client)
    async with broken(session, UpstreamEvent, client):
        session._outbox.wait_for(stored := asyncio.get_running_loop().create_future())
        session._send({"type": "conversation.item.added"})
        session.close(1008, "conversation_deleted", "It was deleted.")
        for _ in range(2):  # once for each thing that could not be stored
            session._end_unstored(1008, "conversation_deleted", "It was deleted.")
        stored.set_result(None)
    kinds = [event["type"] for event in client.told]
    assert "conversation.item.added" not in kinds
    assert [event["error"]["code"] for event in client.told if event["type"] == "error"] == ["conversation_deleted"]
