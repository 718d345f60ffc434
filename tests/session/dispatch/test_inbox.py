import asyncio

import pytest

from conversations.realtime.protocol.client_events import AudioAppend
from conversations.session.dispatch import inbox
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
