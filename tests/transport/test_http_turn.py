"""What a session sends on its way to who asked for the turn."""

import asyncio

import pytest
from pytest_django import Settings

from conversations.transport import http_turn
from conversations.transport.http_turn import HELD_FRAMES, Frames


async def read_all(frames: Frames) -> list[str]:
    return [frame async for frame in frames]


async def test_it_works() -> None:
    frames = Frames()
    await frames.put("one")
    await frames.put("two")
    frames.end("the last")
    assert await read_all(frames) == ["one", "two", "the last"]


async def test_a_session_waits_for_a_slow_reader_and_its_end_does_not() -> None:
    frames = Frames()
    for number in range(HELD_FRAMES):
        await frames.put(str(number))
    waiting = asyncio.create_task(frames.put("one too many"))
    frames.end()
    assert len(await read_all(frames)) == HELD_FRAMES
    await waiting


async def test_a_session_that_sends_nothing_for_too_long_has_ended(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(http_turn, "SILENCE_SEC", 0.01)
    settings.THINKING_SEC = 0.01
    frames = Frames()
    await frames.put("one")
    assert await read_all(frames) == ["one"]
