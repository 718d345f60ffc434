import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.session.dispatch.outbox import Outbox, OutboxFullError


class Socket:
    """Takes frames while it is open; a client that stops reading is a closed one."""

    def __init__(self) -> None:
        self.frames: list[str] = []
        self.open = asyncio.Event()
        self.open.set()

    async def send(self, frame: str) -> None:
        await self.open.wait()
        self.frames.append(frame)


@asynccontextmanager
async def run_outbox(outbox: Outbox) -> AsyncIterator[None]:
    task = asyncio.create_task(outbox.run())
    yield
    task.cancel()


def make_barrier() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


async def test_it_works() -> None:
    socket = Socket()
    outbox = Outbox(socket.send)
    async with run_outbox(outbox):
        for frame in "abc":
            outbox.put(frame)
        await outbox.flush(5)
    assert socket.frames == ["a", "b", "c"]


async def test_what_comes_after_a_barrier_waits_for_it() -> None:
    socket = Socket()
    outbox = Outbox(socket.send)
    stored = make_barrier()
    async with run_outbox(outbox):
        outbox.put("before")
        outbox.wait_for(stored)
        outbox.put("after")
        await outbox.flush(0.01)
        assert socket.frames == ["before"]
        stored.set_result(None)
        await outbox.flush(5)
    assert socket.frames == ["before", "after"]


async def test_what_could_not_be_stored_is_not_told() -> None:
    socket = Socket()
    outbox = Outbox(socket.send)
    lost = make_barrier()
    async with run_outbox(outbox):
        outbox.wait_for(lost)
        outbox.put("item")
        await outbox.flush(0.01)
        outbox.abandon()
        outbox.put("error")
        lost.set_result(None)
        await outbox.flush(5)
    assert socket.frames == ["error"]


async def test_a_client_that_stops_reading_is_bounded() -> None:
    socket = Socket()
    socket.open.clear()
    outbox = Outbox(socket.send, max_bytes=10)
    async with run_outbox(outbox):
        outbox.put("12345")
        outbox.put("67890")
        with pytest.raises(OutboxFullError):
            outbox.put("1")


async def test_a_client_that_reads_makes_room() -> None:
    socket = Socket()
    outbox = Outbox(socket.send, max_bytes=5)
    async with run_outbox(outbox):
        for _ in range(5):
            outbox.put("12345")
            await outbox.flush(5)
    assert len(socket.frames) == 5


async def test_a_burst_is_paced() -> None:
    socket = Socket()
    outbox = Outbox(socket.send, burst_bytes=10, bytes_per_sec=1)
    async with run_outbox(outbox):
        outbox.put("1234567890")
        outbox.put("a minute of waiting, at a byte a second, as nothing is left of the burst")
        await outbox.flush(0.01)
    assert socket.frames == ["1234567890"]


steps = st.lists(
    st.one_of(
        st.integers(0, 9).map(lambda size: ("put", size)),
        st.sampled_from([("wait", 0), ("stored", 0), ("abandon", 0), ("shut", 0), ("open", 0), ("run", 0), ("run", 0)]),
    ),
    max_size=30,
)


@given(steps)
async def test_what_is_held_is_what_was_put_and_has_not_left(sequence: list[tuple[str, int]]) -> None:
    """Whatever is given up while a frame is on its way."""
    socket = Socket()
    outbox = Outbox(socket.send, max_bytes=30, burst_bytes=1, bytes_per_sec=100_000)  # paced: it waits with a frame
    stored = make_barrier()
    async with run_outbox(outbox):
        for step, size in sequence:
            match step:
                case "put":
                    with suppress(OutboxFullError):
                        outbox.put("x" * size)
                case "wait":
                    outbox.wait_for(stored)
                case "stored" if not stored.done():
                    stored.set_result(None)
                case "abandon":
                    outbox.abandon()
                case "shut":
                    socket.open.clear()
                case "open":
                    socket.open.set()
                case "run":
                    await asyncio.sleep(0)
        socket.open.set()
        if not stored.done():
            stored.set_result(None)
        await outbox.flush(5)
        outbox.put("x" * 30)  # there is room for all, and for no more
        with pytest.raises(OutboxFullError):
            outbox.put("x")
