"""Realtime sockets of hostile servers: frames that are too long, too deep, or never end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp import web

from conversations.engines.base import EngineSpec, Hints
from conversations.engines.errors import EngineError, EngineErrors
from conversations.engines.openai import read_aloud_session
from conversations.engines.openai.read_aloud_session import Reading
from conversations.engines.registry import make_s2s, make_stt_stream, make_tts
from tests.support.streams import gather

FRAMES = {
    "deep": "[" * 100_000,
    "long": '{"type": "' + "x" * 17_000_000 + '"}',
    "parts": "[" + "[]," * 100_000 + "1]",
    "no JSON": "{not json",
}


@asynccontextmanager
async def run_server(*frames: str) -> AsyncIterator[str]:
    """Run a server that sends the frames to whoever connects, and then listens."""

    async def talk(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        with suppress(ConnectionError):
            for frame in frames:
                await socket.send_str(frame)
            async for _ in socket:
                pass
        return socket

    app = web.Application()
    app.router.add_get("/v1/realtime", talk)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


def make_spec(url: str) -> EngineSpec:
    return EngineSpec("openai", "m", api_key="sk-test", base_url=url, timeout_sec=1.0, stream_model="m")


async def read_aloud(url: str) -> None:
    tts: Any = make_tts(EngineSpec("openai-realtime", "m", api_key="sk-test", base_url=url, timeout_sec=1.0))
    try:
        async for _ in tts.speak("Good evening."):
            pass
    finally:
        await tts.close()


async def converse(url: str) -> None:
    connection = await make_s2s(make_spec(url)).connect()
    try:
        while True:
            await connection.receive()
    finally:
        await connection.close()


async def hear(url: str) -> None:
    engine = make_stt_stream(make_spec(url))
    assert engine is not None
    stream = engine.listen(lambda _: None)
    stream.begin(Hints())
    stream.send(bytes(48_000))
    try:
        await stream.commit()
    finally:
        await stream.close()


ENGINES: dict[str, Callable[[str], Any]] = {"read aloud": read_aloud, "converse": converse, "hear": hear}


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("engine", ENGINES)
async def test_it_ends_in_a_sentence(engine: str, frame: str) -> None:
    async with run_server(FRAMES[frame]) as url, asyncio.timeout(8):
        with pytest.raises(EngineError) as caught:
            await ENGINES[engine](url)
    assert len(caught.value.message) < 800


async def test_sound_that_nobody_reads_is_not_kept_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_aloud_session, "MAX_HELD_CHARS", 1_000_000)
    reading = Reading("reading_1", EngineErrors("tts", "openai-realtime", "OpenAI", ""))
    for _ in range(1_000):
        reading.put({"type": "response.output_audio.delta", "delta": "A" * 64_000})
    kept: list[Any] = []
    with pytest.raises(EngineError, match="more than can be heard"):
        await gather(reading.receive_events(), kept)
    assert len(kept) == 15
