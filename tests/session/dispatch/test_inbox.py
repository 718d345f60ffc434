import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from conversations.realtime.protocol.audio_format import AudioFormat
from conversations.realtime.protocol.client_events import AudioAppend
from conversations.realtime.protocol.session_config import SessionConfig, build_config
from conversations.session.dispatch import inbox
from conversations.session.dispatch.dispatch_queue import DispatchQueue
from conversations.session.dispatch.error_boundary import ErrorBoundary
from conversations.session.dispatch.inbox import FrameTooLargeError, Inbox, TooFastError


async def test_it_works() -> None:
    box = Inbox()
    for frame in ("a", b"b", "c"):
        box.put(frame)
    box.end()
    assert [frame async for frame in box.read_frames()] == ["a", b"b", "c"]


async def test_a_backlog_lets_other_sessions_have_their_turn() -> None:
    """A queue that holds something does not wait, so a flood would have the loop for itself."""
    box, turns, taken = Inbox(), [0], 0
    for _ in range(1000):
        box.put("")
    box.end()

    async def other_session() -> None:
        while True:
            turns[0] += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(other_session())
    async for _ in box.read_frames():
        taken += 1
    other.cancel()
    assert taken == 1000
    assert turns[0] > 900


async def test_ten_minutes_of_small_frames_may_come_at_once() -> None:
    box = Inbox()
    for _ in range(30_000):
        box.put("x" * 1340)  # 20 ms of sound as an append


@pytest.mark.parametrize("frame", ["", b"", b"\0\0"])
async def test_small_frames_without_end_are_too_fast(frame: str | bytes) -> None:
    with pytest.raises(TooFastError):
        await flood(Inbox(), frame, count=40_000)


async def test_large_frames_without_end_are_too_fast_however_soon_they_are_taken() -> None:
    with pytest.raises(TooFastError):
        await flood(Inbox(), "x" * inbox.MAX_FRAME_BYTES, count=10)


async def test_what_is_held_is_bounded() -> None:
    box = Inbox()
    with pytest.raises(FrameTooLargeError):
        box.put("x" * (inbox.MAX_FRAME_BYTES + 1))
    for _ in range(4):
        box.put("x" * inbox.MAX_FRAME_BYTES)
    with pytest.raises(TooFastError):
        box.put("x")


async def flood(box: Inbox, frame: str | bytes, count: int) -> None:
    """Put many frames, each of which is taken as soon as it is there."""
    taking = box.read_frames()
    for _ in range(count):
        box.put(frame)
        await anext(taking)


async def test_a_cut_leaves_what_waits() -> None:
    box = Inbox()
    box.put("answered")
    frames = box.read_frames()
    assert await anext(frames) == "answered"
    box.put("too late")
    box.discard_frames()
    assert [frame async for frame in frames] == []


@pytest.mark.parametrize("bytes_per_ms", [48, 8])
async def test_audio_ahead_of_time_is_counted_in_time(bytes_per_ms: int) -> None:
    box, minute = Inbox(), AudioAppend(bytes(60_000 * bytes_per_ms))
    for _ in range(10):
        pieces = box.slice_audio(minute, bytes_per_ms)
        assert {len(piece.pcm) for piece in pieces} == {1000 * bytes_per_ms}
    with pytest.raises(TooFastError):
        box.slice_audio(minute, bytes_per_ms)


def test_bytes_are_counted_and_not_characters() -> None:
    """A letter of most scripts takes two bytes or three, a sign four."""
    box = Inbox()
    with pytest.raises(FrameTooLargeError, match=str(4 * (inbox.MAX_FRAME_BYTES // 4 + 1))):
        box.put("😀" * (inbox.MAX_FRAME_BYTES // 4 + 1))
    for _ in range(4):
        box.put("я" * (inbox.MAX_FRAME_BYTES // 2))
    with pytest.raises(TooFastError):
        box.put("x")


async def test_what_was_taken_makes_room_for_as_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "MAX_HELD_BYTES", 40)
    box = Inbox()
    frames = box.read_frames()
    for frame in ("я" * 10, "x" * 10, b"\0" * 10, "\ud800"):
        box.put(frame)
        assert await anext(frames) == frame
    box.put(b"\0" * 40)
    with pytest.raises(TooFastError):
        box.put("x")


PCM = bytes(960)
APPEND = json.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(PCM).decode()})
CONFIG = build_config(
    session_id="sess_1", model="", instructions="", voice="", stt_model="", language="", speed=1.0, expires_at=0
)
TELEPHONE = replace(CONFIG, input=replace(CONFIG.input, format=AudioFormat.PCMU))


class Machine:
    """Notes the events that it receives."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def start(self, now: float) -> Sequence[Any]:
        return ()

    def receive(self, event: Any, now: float) -> Sequence[Any]:
        self.events.append(event)
        return ()

    def refuse(self, error: Any, kind: str = "") -> Sequence[Any]:
        return ()

    def end(self) -> Sequence[Any]:
        return ()


class Reader:
    """A session that reads its frames, and how far it has come."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(inbox, "monotonic", lambda: self.now)
        self.box, self.machine = Inbox(), Machine()
        self.queue = DispatchQueue(lambda command: None, ErrorBoundary("conv_1", lambda: None))
        self.queue.machine = self.machine
        self.read: list[str | bytes] = []

    def take(self, frame: str | bytes, config: SessionConfig = CONFIG, *, after_sec: float = 0.02) -> None:
        self.now += after_sec
        self.box.take(frame, config, self.queue)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        async def read() -> None:
            async for frame in self.box.read_frames():
                self.read.append(frame)

        reading = asyncio.create_task(read())
        await self.wait_until_idle()
        yield
        self.box.end()
        async with asyncio.timeout(5):
            await reading

    async def wait_until_idle(self) -> None:
        async with asyncio.timeout(5):
            for _ in range(5):
                await asyncio.sleep(0)


async def test_a_frame_that_comes_alone_is_handled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(monkeypatch)
    async with reader.run():
        for frame in (APPEND, PCM, APPEND):
            reader.take(frame)
        assert reader.machine.events == [AudioAppend(PCM)] * 3
    assert reader.read == []


async def test_frames_that_come_together_are_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who floods the server has one frame handled in 5 ms, and else one in each step of the loop."""
    reader = Reader(monkeypatch)
    async with reader.run():
        for _ in range(100):
            reader.take(APPEND, after_sec=0.0005)
        assert len(reader.machine.events) == 1
    assert len(reader.read) == 99


OTHERS: dict[str, Callable[[Reader], None]] = {
    "another event": lambda reader: reader.take('{"type":"input_audio_buffer.commit"}'),
    "an append in another shape": lambda reader: reader.take(f" {APPEND}"),
    "an append that is wrong": lambda reader: reader.take('{"type":"input_audio_buffer.append","audio":"A"}'),
    "a long append": lambda reader: reader.take(bytes(48_002)),
    "G.711": lambda reader: reader.take(APPEND, TELEPHONE),
}


@pytest.mark.parametrize("other", OTHERS)
async def test_what_follows_a_queued_frame_is_queued_behind_it(other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(monkeypatch)
    async with reader.run():
        OTHERS[other](reader)
        reader.take(APPEND)
        assert reader.machine.events == []
        await reader.wait_until_idle()
        assert len(reader.read) == 2
        reader.take(APPEND)
        assert reader.machine.events == [AudioAppend(PCM)]


async def test_it_is_queued_while_inputs_wait_or_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(monkeypatch)
    reader.take(APPEND)
    async with reader.run():
        assert reader.read == [APPEND]
        reader.queue.reserve()
        reader.take(APPEND)
        assert reader.machine.events == []
    reader.queue.discard_inputs()
    reader.take(APPEND)
    assert reader.machine.events == []


async def test_sound_that_is_handled_at_once_is_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(monkeypatch)
    async with reader.run():
        for _ in range(int(inbox.MAX_AHEAD_SEC)):
            reader.take(bytes(48_000), after_sec=inbox.ALONE_SEC)
        with pytest.raises(TooFastError):
            flood_at_once(reader)


def flood_at_once(reader: Reader) -> None:
    for _ in range(100):
        reader.take(bytes(48_000), after_sec=inbox.ALONE_SEC)
