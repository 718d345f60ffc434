"""The clients of another process's session, once they are told to come back: those that read, and those that do not."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NoReturn

import pytest

from conversations.close_codes import ABNORMAL, SERVICE_RESTART
from conversations.transport import pipe, remote_link, shown_frames
from conversations.transport.pipe import Pipe, get_layer
from conversations.transport.replay_log import ADDED
from tests.support.patience import stretch


class FakeSocket:
    """It sends so many frames, and the next one once the client reads."""

    def __init__(self, room: int) -> None:
        self.ids: list[str] = []
        self.close_codes: list[int] = []
        self.room = asyncio.Semaphore(room)
        self.is_closed, self.is_full = asyncio.Event(), asyncio.Event()

    async def send_text(self, text: str) -> None:
        if self.room.locked():
            self.is_full.set()
        await self.room.acquire()
        self.ids.append(json.loads(text)["event_id"])

    async def close(self, code: int) -> None:
        self.close_codes.append(code)
        self.is_closed.set()

    def release(self) -> None:
        raise NotImplementedError


async def hear_nothing() -> NoReturn:
    await asyncio.Event().wait()
    raise AssertionError


Carry = Callable[[int], Awaitable[tuple[FakeSocket, Pipe]]]


@pytest.fixture
async def carry(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Carry]:
    """Carry a client that reads so many frames; its socket, and the pipe of the process that has its session."""
    monkeypatch.setattr(pipe, "REST_SEC", 0.01)
    carrying: list[asyncio.Task[None]] = []

    async def begin(room: int) -> tuple[FakeSocket, Pipe]:
        here, there = await get_layer().new_channel(), await get_layer().new_channel()
        socket = FakeSocket(room)
        near = Pipe(there, "a client", lambda: get_layer().receive(here))
        carrying.append(asyncio.create_task(remote_link.carry(near, socket, hear_nothing, "event_0")))
        await asyncio.sleep(0)
        return socket, Pipe(here, "a client", lambda: get_layer().receive(there))

    yield begin
    for task in carrying:
        task.cancel()
    await asyncio.wait(carrying)
    await asyncio.wait(remote_link._discarding)


async def test_who_does_not_read_keeps_nobody_from_being_told(carry: Carry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown_frames, "GOODBYE_SEC", stretch())
    (deaf, _), (other, far) = await carry(0), await carry(1)
    releasing = asyncio.create_task(remote_link.release_carried())
    async with asyncio.timeout(stretch()):
        await other.is_closed.wait()
        while (code := (await far.read())[1]) is None:
            pass
    assert code == ABNORMAL
    assert [one.partition(ADDED)[0] for one in other.ids] == ["event_0"]
    assert not deaf.is_closed.is_set()
    deaf.room.release()
    await releasing
    assert [one.partition(ADDED)[0] for one in deaf.ids] == ["event_0"]
    assert deaf.close_codes == other.close_codes == [SERVICE_RESTART]


async def test_who_does_not_read_is_not_waited_for_long(carry: Carry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown_frames, "GOODBYE_SEC", 0.01)
    deaf = [(await carry(0))[0] for _ in range(3)]
    async with asyncio.timeout(stretch()):
        await remote_link.release_carried()
    assert [(one.ids, one.close_codes) for one in deaf] == [([], [SERVICE_RESTART])] * 3


async def test_the_goodbye_stands_behind_what_was_shown(carry: Carry) -> None:
    """Amid a batch, for whose third frame the client has no room: the rest is not shown, so that it comes but once."""
    socket, far = await carry(2)
    batch = [json.dumps({"type": "x", "event_id": f"event_{number}"}) for number in range(1, 6)]
    await far.tell("frames", number=1, frames=batch)
    await socket.is_full.wait()
    releasing = asyncio.create_task(remote_link.release_carried())
    await asyncio.sleep(0)
    for _ in batch:
        socket.room.release()
    await releasing
    assert [one.partition(ADDED)[0] for one in socket.ids] == ["event_1", "event_2", "event_2"]
    assert socket.close_codes == [SERVICE_RESTART]
