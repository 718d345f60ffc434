"""A transcription socket that breaks, refuses, stays mute or reads no more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from websockets.asyncio.server import ServerConnection, serve

from conversations.engines.base import NO_HINTS, EngineSpec, Transcript
from conversations.engines.errors import (
    EngineAuthError,
    EngineBusy,
    EngineError,
    EngineQuotaError,
    EngineRejected,
    EngineTimeout,
    EngineUnavailable,
)
from conversations.engines.openai import realtime_socket, realtime_stt
from tests.support.live_ears import LIVE, SECRET, Ear, build_spec, open_ear
from tests.support.stt_faults import HTTP_FAULTS
from tests.upstream.fixtures import Upstream


@pytest.mark.parametrize("fault", ["cut", "session_expired"])
@pytest.mark.parametrize("frames", [20, 120])
async def test_a_cut_is_mended(upstream: Upstream, fault: str, frames: int) -> None:
    """Amid the first piece, and with one settled: all that is not settled is told again."""
    upstream.script(transcripts=("One", "two.", "two."))
    upstream.behave(LIVE, fault=fault, fault_times=1, fault_after=frames)
    async with open_ear(build_spec(upstream)) as ear:
        first = (await ear.transcribe()).text
        ear.say()
        assert await ear.stream.commit() == Transcript(f"{first} two.", 6.0)
    assert len(upstream.list_requests(LIVE)) == 2


async def test_a_cut_with_a_commit_outstanding(upstream: Upstream) -> None:
    upstream.script(transcripts=("Lost.", "One", "two."))
    upstream.behave(LIVE, fault="cut", fault_times=1, fault_after=75)
    async with open_ear(build_spec(upstream)) as ear:
        ear.stream.begin(NO_HINTS)
        ear.say()
        commit = asyncio.create_task(ear.stream.commit())
        assert (await commit).text == "One"
        ear.say()
        assert (await ear.stream.commit()).text == "One two."


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        *HTTP_FAULTS,
        ("garbage", EngineRejected, ""),
        ("failed", EngineUnavailable, "a problem on its side (transcription_failed)"),
        ("error_event", EngineUnavailable, "a problem on its side (server_error)"),
    ],
)
async def test_a_fault_becomes_a_sentence(upstream: Upstream, fault: str, error: type[EngineError], words: str) -> None:
    upstream.behave(LIVE, fault=fault, fault_after=20 if fault == "error_event" else 0)
    async with open_ear(build_spec(upstream)) as ear:
        with pytest.raises(error) as caught:
            await ear.transcribe()
    assert type(caught.value) is error
    assert caught.value.message.startswith("Speech to text (OpenAI-compatible server) ")
    assert words in caught.value.message
    assert SECRET not in caught.value.message


@pytest.mark.parametrize(
    ("fault", "error"),
    [("401", EngineAuthError), ("429_quota", EngineQuotaError), ("429_rate", EngineBusy), ("garbage", EngineRejected)],
)
async def test_a_fault_amid_an_utterance(upstream: Upstream, fault: str, error: type[EngineError]) -> None:
    upstream.behave(LIVE, fault=fault, fault_times=1, fault_after=20)
    async with open_ear(build_spec(upstream)) as ear:
        with pytest.raises(error):
            await ear.transcribe()
        assert (await ear.transcribe()).text == "Hello there."


async def test_a_server_that_is_away_and_comes_back(upstream: Upstream) -> None:
    upstream.behave(LIVE, fault="503", fault_times=4)
    async with open_ear(build_spec(upstream)) as ear:
        for tries in range(2, 5):  # an utterance has it tried again at once
            await asyncio.to_thread(upstream.wait_for, LIVE, "ended", tries)
            with pytest.raises(EngineUnavailable, match="error 503"):
                await ear.transcribe()
        ear.stream.begin(NO_HINTS)
        ear.say()
        await ear.wait_for("Hello there.")
        assert (await ear.stream.commit()).text == "Hello there."


async def test_a_server_that_is_not_there(upstream: Upstream) -> None:
    async with open_ear(build_spec(upstream, base_url="http://127.0.0.1:9/v1")) as ear:
        for _ in range(3):
            with pytest.raises(EngineUnavailable, match="could not be reached"):
                await ear.transcribe()


def test_the_pauses_between_tries_grow_up_to_half_a_minute() -> None:
    """Also in a session of a day whose server never came back."""
    assert [realtime_stt.choose_reconnect_pause_sec(misses) for misses in (0, 1, 2, 3, 6, 7, 10_000)] == [
        0.0,
        0.0,
        1.0,
        2.0,
        16.0,
        30.0,
        30.0,
    ]


async def test_a_refused_key_is_not_tried_again(upstream: Upstream) -> None:
    upstream.behave(LIVE, accepted_key="another")
    async with open_ear(build_spec(upstream)) as ear:
        for _ in range(3):
            with pytest.raises(EngineAuthError):
                await ear.transcribe()
    assert len(upstream.list_requests(LIVE)) == 1


@pytest.mark.parametrize("fault", ["hang", "mute"])
async def test_a_server_that_never_answers(upstream: Upstream, fault: str) -> None:
    upstream.behave(LIVE, fault=fault, fault_times=1)
    async with open_ear(build_spec(upstream, timeout_sec=0.3)) as ear:
        with pytest.raises((EngineTimeout, EngineUnavailable)):
            await ear.transcribe()
        await asyncio.to_thread(upstream.wait_for, LIVE, "received", 2)  # it hangs up, and connects again


async def test_a_server_that_stays_mute_costs_one_turn_its_time(upstream: Upstream) -> None:
    upstream.behave(LIVE, fault="mute")
    async with open_ear(build_spec(upstream, timeout_sec=0.3)) as ear:
        with pytest.raises(EngineTimeout):
            await ear.transcribe()
        for _ in range(2):
            with pytest.raises(EngineTimeout):
                ear.transcribe().send(None)  # without a wait


async def test_a_mute_server_is_believed_once_it_tells_words(upstream: Upstream) -> None:
    upstream.behave(LIVE, fault="mute", fault_times=1)
    async with open_ear(build_spec(upstream, timeout_sec=0.3)) as ear:
        with pytest.raises(EngineTimeout):
            await ear.transcribe()
        ear.stream.begin(NO_HINTS)
        ear.say()
        await ear.wait_for("Hello there.")
        assert (await ear.stream.commit()).text == "Hello there."


async def test_a_mute_server_is_asked_again_after_a_while(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be one that tells words only once they are committed."""
    monkeypatch.setattr(realtime_stt, "MUTE_SEC", 0.0)
    upstream.behave(LIVE, fault="mute", fault_times=1)
    async with open_ear(build_spec(upstream, timeout_sec=0.3)) as ear:
        with pytest.raises(EngineTimeout):
            await ear.transcribe()
        assert (await ear.transcribe()).text == "Hello there."


class DeafServer:
    """Reads nothing, so that what it is told fills all buffers on the way."""

    def __init__(self) -> None:
        self.met: asyncio.Queue[ServerConnection] = asyncio.Queue()
        self._is_over = asyncio.Event()

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Ear]:
        async with serve(self._accept, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            try:
                yield Ear(EngineSpec("openai", base_url=url, stream_model="gpt-live", timeout_sec=0.5))
            finally:
                self._is_over.set()

    async def _accept(self, socket: ServerConnection) -> None:
        socket.transport.pause_reading()
        await self.met.put(socket)
        await self._is_over.wait()
        socket.transport.abort()


async def test_a_server_that_reads_no_more_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realtime_socket, "CLOSE_SEC", 0.1)
    server = DeafServer()
    async with server.run() as ear, asyncio.timeout(5):
        ear.stream.begin(NO_HINTS)
        ear.stream.send(bytes(125 * 48_000))
        with pytest.raises(EngineTimeout):
            await ear.stream.commit()
        await server.met.get()
        await server.met.get()  # it connects again
        await ear.stream.close()


async def test_a_server_that_reads_no_more_keeps_no_session_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realtime_socket, "CLOSE_SEC", 0.1)
    send_raw, frames_sent = AsyncRealtimeConnection.send_raw, 0

    async def send_and_count(connection: AsyncRealtimeConnection, frame: bytes | str) -> None:
        nonlocal frames_sent
        await send_raw(connection, frame)
        frames_sent += 1

    monkeypatch.setattr(AsyncRealtimeConnection, "send_raw", send_and_count)
    async with DeafServer().run() as ear, asyncio.timeout(5):
        ear.stream.begin(NO_HINTS)
        ear.stream.send(bytes(125 * 48_000))
        before = 0
        while frames_sent == 0 or frames_sent > before:  # until the buffers are full
            before = frames_sent
            await asyncio.sleep(0.05)
        assert frames_sent < 125
        await ear.stream.close()
