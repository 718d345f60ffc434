"""The relay's connection to a provider of speech to speech."""

import asyncio
from typing import Any

import pytest

from conversations.engines.base import EngineSpec
from conversations.engines.errors import EngineError, EngineUnavailable
from conversations.realtime.relay.upstream_events import UpstreamEvent, UpstreamLost, UpstreamReady
from conversations.session.engine_calls import s2s_connection as upstream_module
from conversations.session.engine_calls.engine_circuits import EngineCircuit
from conversations.session.engine_calls.s2s_connection import S2SUpstream


class Deaf:
    """A connection that takes nothing, and says that it is one."""

    def __init__(self) -> None:
        self._events = iter([{"type": "session.created", "event_id": "event_1", "session": {"type": "realtime"}}])

    async def send(self, event: dict[str, Any]) -> None:
        await asyncio.Event().wait()

    async def receive(self) -> dict[str, Any]:
        for event in self._events:
            return event
        await asyncio.Event().wait()
        raise AssertionError

    async def close(self) -> None: ...


class Engine:
    def __init__(self) -> None:
        self.connections = 0

    async def connect(self) -> Deaf:
        self.connections += 1
        return Deaf()

    def build_unexpected_answer_error(self) -> EngineError:
        return EngineUnavailable("s2s", "openai", "Garbage.")


async def test_a_connection_that_takes_no_more_events_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream_module, "MOST_HELD", 100)
    engine, reported, has_come = Engine(), list[Any](), asyncio.Event()

    def report(event: UpstreamEvent | UpstreamReady | UpstreamLost) -> None:
        reported.append(event)
        has_come.set()

    upstream = S2SUpstream(engine, EngineCircuit("s2s", EngineSpec("openai")), report, lambda failure: None)
    running = asyncio.create_task(upstream.run())
    await has_come.wait()
    for number in range(102):
        upstream.send({"type": "input_audio_buffer.append", "audio": str(number)})
    async with asyncio.timeout(5):
        while engine.connections < 2:
            has_come.clear()
            await has_come.wait()
    running.cancel()
    await asyncio.wait({running})
    assert next(event for event in reported if isinstance(event, UpstreamLost)).failure.code == "engine_timeout"
