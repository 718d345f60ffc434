import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from conversations.transport import pipe
from conversations.transport.pipe import Pipe, PipeBrokenError, get_layer

Receive = Callable[[], Awaitable[dict[str, Any]]]


async def open_end() -> tuple[str, Receive]:
    channel = await get_layer().new_channel()
    return channel, lambda: get_layer().receive(channel)


async def test_frames_come_in_order_and_then_the_end() -> None:
    channel, receive = await open_end()
    here, there = Pipe(channel, "a client", receive), Pipe(channel, "a client", receive)
    for frame in ("one", b"two", "three"):
        here.put(frame)
    here.end(1012)
    await here.send_batches()
    assert await there.read() == (["one", b"two", "three"], None)
    assert await there.read() == ([], 1012)


async def test_large_frames_go_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "BATCH_BYTES", 10)
    channel, receive = await open_end()
    here, there = Pipe(channel, "a client", receive), Pipe(channel, "a client", receive)
    for number in range(5):
        here.put(f"{number} of it")
    here.end(1000)
    await here.send_batches()
    batches = [(await there.read())[0] for _ in range(3)]
    assert batches == [["0 of it", "1 of it"], ["2 of it", "3 of it"], ["4 of it"]]


async def test_sound_is_gathered_and_all_else_goes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "GATHER_SEC", 60.0)
    channel, receive = await open_end()
    here, there = Pipe(channel, "a client", receive), Pipe(channel, "a client", receive)
    sending = asyncio.create_task(here.send_batches())
    here.put(b"the first sound")
    assert await there.read() == ([b"the first sound"], None)
    frames: list[str | bytes] = [
        b"sound",
        '{"type":"input_audio_buffer.append","audio":"AAAA"}',
        '{"type": "response.output_audio.delta", "event_id": "event_1"}',
        '{"type": "input_audio_buffer.commit"}',
    ]
    for frame in frames:
        here.put(frame)
        await asyncio.sleep(0)
    assert await there.read() == (frames, None)
    here.end(1000)
    await sending


async def test_sound_alone_waits_but_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "GATHER_SEC", 0.001)
    channel, receive = await open_end()
    here, there = Pipe(channel, "a client", receive), Pipe(channel, "a client", receive)
    sending = asyncio.create_task(here.send_batches())
    for frame in (b"one", b"two"):
        here.put(frame)
        assert await there.read() == ([frame], None)
    here.end(1000)
    await sending


async def test_what_is_urgent_does_not_wait_behind_much_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "GATHER_SEC", 60.0)
    monkeypatch.setattr(pipe, "BATCH_BYTES", 5)
    channel, receive = await open_end()
    here, there = Pipe(channel, "a client", receive), Pipe(channel, "a client", receive)
    for frame in (b"sound", b"sound", "urgent"):
        here.put(frame)
    sending = asyncio.create_task(here.send_batches())
    assert [(await there.read())[0] for _ in range(3)] == [[b"sound"], [b"sound"], ["urgent"]]
    here.end(1000)
    await sending


async def test_a_batch_that_is_missing_breaks_it() -> None:
    channel, receive = await open_end()
    here, there = Pipe(channel, "a client", receive), Pipe(channel, "a client", receive)
    await here.tell("frames", number=2, frames=["lost its forerunner"])
    with pytest.raises(PipeBrokenError, match="missing"):
        await there.read()


async def test_a_silence_breaks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "SILENCE_SEC", 0.01)
    channel, receive = await open_end()
    with pytest.raises(PipeBrokenError, match="TimeoutError"):
        await Pipe(channel, "a client", receive).read()


async def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "MOST_BYTES", 10)
    channel, receive = await open_end()
    here = Pipe(channel, "a client", receive)
    here.put("more than that")
    with pytest.raises(PipeBrokenError, match="too much"):
        await here.send_batches()


async def test_what_waits_is_bounded_while_the_layer_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if nothing more is put: what was lost is not taken for an end in order."""
    monkeypatch.setattr(pipe, "MOST_BYTES", 100)
    channel, receive = await open_end()
    here = Pipe(channel, "a client", receive)
    for _ in range(1_000):
        here.put("a frame")
        assert here.waiting_bytes <= 100
    here.end(1000)
    with pytest.raises(PipeBrokenError, match="too much"):
        await here.send_batches()


async def test_beyond_a_batch_the_client_is_waited_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "BATCH_BYTES", 10)
    channel, receive = await open_end()
    here, there = Pipe(channel, "a client", receive), Pipe(channel, "a client", receive)
    for frame in ("one", "more than a batch"):
        await here.wait_for_room()
        here.put(frame)
    waiting = asyncio.create_task(here.wait_for_room())
    await asyncio.sleep(0)
    assert not waiting.done()
    sending = asyncio.create_task(here.send_batches())
    await waiting
    assert await there.read() == (["one", "more than a batch"], None)
    here.end(1000)
    await sending


async def test_a_layer_that_stays_full_breaks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "FULL_SEC", 0.01)
    channel, receive = await open_end()
    here = Pipe(channel, "a client", receive)

    async def fill() -> None:
        while True:
            await here.tell("frames", number=1, frames=[])

    with pytest.raises(PipeBrokenError, match="TimeoutError"):
        await asyncio.wait_for(fill(), 10)
