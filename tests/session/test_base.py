"""A defect of what decides a session, or of what performs it, by each way in: told once to log and client."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from pytest_django import Settings

from conversations.engines.base import EngineSpec
from conversations.realtime.agent_turn.mcp_listings import McpListings
from conversations.realtime.agent_turn.turn import AgentTurn
from conversations.realtime.engine_events import DeadlinePassed
from conversations.realtime.relay.agent_turn import RelayAgentTurn
from conversations.realtime.relay.session_settings import RelaySettings
from conversations.realtime.relay.user_turn import RelayUserTurn
from conversations.realtime.user_turn.transcription import Transcription
from conversations.realtime.user_turn.turn import UserTurn
from conversations.session.base import Session
from conversations.session.cascade import CascadeSession
from conversations.session.s2s import S2SSession
from conversations.storage import store
from conversations.storage.callers import Caller
from conversations.storage.engine_selection import EngineSet
from conversations.storage.leases import ConversationDeletedError
from conversations.storage.store import OpenedConversation
from tests.support.live_ears import SOUND
from tests.upstream.fixtures import Upstream

APPEND = bytes(4_800)
TYPED = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello."}]}
BROKEN = "a session failed in conversation"


def make_opened(upstream: Upstream, pk: int | None = None) -> OpenedConversation:
    names = ("gpt-transcribe", "gpt-6-luna", "tts-1")
    stt, llm, tts = (EngineSpec("openai", name, base_url=upstream.openai_url, api_key="sk-1") for name in names)
    stt = replace(stt, stream_model="gpt-live")
    return OpenedConversation(
        pk=pk, public_id="", caller=Caller(1), assistant_slug="a", instructions="", language="en", speed=1.0,
        patience="", keywords=(), preemptive_generation=True, engines=EngineSet(stt, llm, tts), items=[],
        tools=("current_time",),
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


def make_cascade(upstream: Upstream, client: Client, pk: int | None = None) -> Session:
    return CascadeSession(make_opened(upstream, pk), client.send, client.close, "", 1_900_000_000)


def make_s2s(upstream: Upstream, client: Client) -> Session:
    spec = EngineSpec("openai", "gpt-realtime-2.1", base_url=upstream.openai_url, api_key="sk-1", voice="marin")
    return S2SSession(make_opened(upstream), spec, client.send, client.close, "", 1_900_000_000)


def break_part(monkeypatch: pytest.MonkeyPatch, part: type, method: str) -> None:
    """Give a part of the machine a defect: the method decides on an event, and then raises."""

    def fail(self: Any, *given: object) -> None:
        self.state.send("rate_limits.updated", rate_limits=[])
        raise RuntimeError("a defect")

    monkeypatch.setattr(part, method, fail)


@asynccontextmanager
async def run_until_ended(session: Session, client: Client) -> AsyncIterator[None]:
    """Run a session, and wait at the end until it has ended by itself."""
    running = asyncio.create_task(session.run())
    async with asyncio.timeout(10):
        await client.hears.wait()
        yield
        await running


def feed_event(session: Session, kind: str, /, **fields: Any) -> None:
    session.feed(json.dumps({"type": kind, **fields}))


def feed_utterance(session: Session) -> None:
    """Send an utterance of a client that commits its audio itself."""
    feed_event(session, "session.update", session={"audio": {"input": {"turn_detection": None}}})
    session.feed(SOUND)


WAYS: dict[str, tuple[Any, type, str, Callable[[Session], object]]] = {
    "a client's frame": (
        make_cascade, UserTurn, "clear", lambda session: feed_event(session, "input_audio_buffer.clear")),
    "a deadline": (make_cascade, AgentTurn, "check_progress", lambda session: feed_event(session, "response.create")),
    "a partial transcript": (make_cascade, Transcription, "take_partial", feed_utterance),
    "a window of detection": (make_cascade, UserTurn, "take_window", lambda session: session.feed(APPEND)),
    "tools that are ready": (make_cascade, McpListings, "update_tools", lambda session: None),
    "an event of speech to speech": (make_s2s, RelaySettings, "confirm", lambda session: None),
    "a deadline of speech to speech": (
        make_s2s, RelayAgentTurn, "give_up", lambda session: feed_event(session, "response.create")),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
async def test_a_defect_ends_the_session(
    way: str,
    upstream: Upstream,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.TURN_BUDGET_SEC = 0.0
    upstream.behave("chat", fault="hang")
    make, part, method, cause = WAYS[way]
    break_part(monkeypatch, part, method)
    client = Client()
    session = make(upstream, client)
    async with run_until_ended(session, client):
        cause(session)
    assert [record.message for record in caplog.records if record.levelno == logging.ERROR] == [f"{BROKEN} "]
    [error] = [event["error"] for event in client.told if event["type"] == "error"]
    assert (error["type"], error["code"]) == ("server_error", "internal_error")
    assert client.closed == 1011


async def test_memory_that_is_short_ends_one_session_with_a_sentence(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: UserTurn) -> None:
        raise MemoryError

    monkeypatch.setattr(UserTurn, "clear", fail)
    client = Client()
    session = make_cascade(upstream, client)
    async with run_until_ended(session, client):
        feed_event(session, "input_audio_buffer.clear")
    assert (client.told[-1]["error"]["code"], client.closed) == ("internal_error", 1011)


@pytest.mark.parametrize(("make", "part"), [(make_cascade, UserTurn), (make_s2s, RelayUserTurn)])
async def test_what_was_half_decided_is_not_sent(
    make: Any, part: type, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_part(monkeypatch, part, "clear")
    client = Client()
    session = make(upstream, client)
    async with run_until_ended(session, client):
        feed_event(session, "input_audio_buffer.clear")
    assert client.told[-1]["error"]["code"] == "internal_error"
    assert "rate_limits.updated" not in [event["type"] for event in client.told]


async def test_a_second_defect_is_not_told(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    break_part(monkeypatch, UserTurn, "clear")
    break_part(monkeypatch, UserTurn, "leave")
    client = Client()
    session = make_cascade(upstream, client)
    async with run_until_ended(session, client):
        feed_event(session, "input_audio_buffer.clear")
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1
    assert [event["type"] for event in client.told].count("error") == 1


async def test_a_defect_of_what_performs_ends_the_session_too(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(UserTurn, "clear", lambda part: part.state.do(object()))  # no command that anybody knows
    client = Client()
    session = make_cascade(upstream, client)
    async with run_until_ended(session, client):
        feed_event(session, "input_audio_buffer.clear")
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1
    assert client.closed == 1011


@pytest.mark.parametrize("make", [make_cascade, make_s2s])
async def test_a_session_that_was_cut_short_does_nothing_more(
    make: Any, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its tasks would have no group: each deadline and each late word of an engine would be a traceback."""
    loop, timers, is_timed = asyncio.get_running_loop(), list[tuple[asyncio.TimerHandle, Any]](), asyncio.Event()
    call_later = loop.call_later

    def note(delay_sec: float, callback: Any, *arguments: Any, **options: Any) -> asyncio.TimerHandle:
        timer = call_later(delay_sec, callback, *arguments, **options)
        if arguments and isinstance(arguments[0], DeadlinePassed):
            timers.append((timer, lambda: callback(*arguments)))
            is_timed.set()
        return timer

    monkeypatch.setattr(loop, "call_later", note)
    upstream.behave("chat", fault="hang")
    client = Client()
    session = make(upstream, client)
    running = asyncio.create_task(session.run())
    async with asyncio.timeout(10):
        await client.hears.wait()
        feed_event(session, "response.create")
        await is_timed.wait()
    running.cancel()
    await asyncio.wait([running])
    told = list(client.told)
    for timer, pass_deadline in timers:
        assert timer.cancelled()
        pass_deadline()
    session.close(1012, "server_restarting", "Too late.")
    await asyncio.sleep(0)
    assert client.told == told
    assert not [record for record in caplog.records if record.levelno == logging.ERROR]


async def test_the_reason_is_told_once_however_many_find_it(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deleted conversation: whoever watches it sees that, and so does what is to be stored."""
    is_asked, is_deleted = asyncio.Event(), asyncio.Event()

    async def write(*_: Any, **__: Any) -> None:
        is_asked.set()
        await is_deleted.wait()
        raise ConversationDeletedError

    monkeypatch.setattr(store, "write", write)
    client = Client()
    session = make_cascade(upstream, client, pk=1)
    async with run_until_ended(session, client):
        for _ in range(2):
            feed_event(session, "conversation.item.create", item=TYPED)
        await is_asked.wait()
        session.close(1008, "conversation_deleted", "It was deleted.")
        is_deleted.set()
    assert "conversation.item.added" not in [event["type"] for event in client.told]
    assert [event["error"]["code"] for event in client.told if event["type"] == "error"] == ["conversation_deleted"]
