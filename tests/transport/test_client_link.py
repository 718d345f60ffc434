"""A client that comes back to its session: who gets it, and how what was missed goes to it."""

import asyncio
import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from conversations.session.base import Session
from conversations.session.dispatch.pace import Pace
from conversations.transport.client_link import ClientLink
from conversations.transport.replay_log import ReplayLog
from conversations.transport.returning import give_up_one

USER_ID = 7
FRAME_BYTES = 400


class FakeSocket:
    def __init__(self) -> None:
        self.frames: list[str] = []
        self.waiting = 0  # for the client to read
        self.is_released = False
        self.has_room = asyncio.Event()
        self.has_room.set()
        self.has_some = asyncio.Event()  # of what was missed

    async def send_text(self, text: str) -> None:
        self.waiting += 1
        await self.has_room.wait()
        self.waiting -= 1
        self.frames.append(text)
        if self.ids:
            self.has_some.set()

    async def close(self, code: int) -> None:
        self.frames.append(str(code))

    def release(self) -> None:
        self.is_released = True

    @property
    def ids(self) -> list[str]:
        """Return the ids of the events that were sent, but for those of the extension."""
        events = [json.loads(frame) for frame in self.frames if frame.startswith("{")]
        return [event["event_id"] for event in events if event["type"] == "response.done"]


class FakeSession:
    def __init__(self) -> None:
        self.machine = SimpleNamespace(state=SimpleNamespace(has_extension=lambda _: True))
        self.detached_at: float | None = None
        self.is_ending = False

    def feed(self, _: str | bytes) -> None:
        pass

    def hang_up(self, *_: Any) -> None:
        self.is_ending = True

    def close(self, *_: Any) -> None:
        self.is_ending = True


class Readmission:
    """What the limits say to a client that comes back, once `is_decided`."""

    def __init__(self) -> None:
        self.is_decided, self.answer, self.asked = asyncio.Event(), True, 0
        self.is_decided.set()

    async def ask(self, _: int) -> bool:
        self.asked += 1
        await self.is_decided.wait()
        return self.answer


@pytest.fixture
def readmission() -> Readmission:
    return Readmission()


@pytest.fixture
def first() -> FakeSocket:
    return FakeSocket()


@pytest.fixture
def session() -> FakeSession:
    return FakeSession()


@pytest.fixture
async def link(readmission: Readmission, first: FakeSocket, session: FakeSession) -> AsyncIterator[ClientLink]:
    """A link with a session that its client has asked to outlive its connection."""
    link, is_over = ClientLink(first, USER_ID, readmission.ask), asyncio.Event()

    async def live() -> None:
        await is_over.wait()

    link.host(live())
    link.begin(cast(Session, session))
    await link.send('{"type": "session.updated", "event_id": "event_settings"}')
    yield link
    is_over.set()
    link._stop_waiting()
    await link.hosted


async def send(link: ClientLink, number: int) -> None:
    event = {"type": "response.done", "event_id": f"event_{number}"}
    await link.send(json.dumps(event).ljust(FRAME_BYTES))


async def test_what_was_missed_goes_at_a_pace(link: ClientLink, first: FakeSocket) -> None:
    """However often the client comes back, and whether it reads or not."""
    link._pace = Pace(burst_bytes=2 * FRAME_BYTES, bytes_per_sec=1)
    for number in range(10):
        await send(link, number)
    link.drop(first, 1006)
    sockets = [FakeSocket() for _ in range(5)]
    for socket in sockets:
        assert await link.take_back(socket, "event_0")
        catching_up = asyncio.create_task(link.catch_up(socket, "event_0"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not catching_up.done()
        catching_up.cancel()
    assert [len(socket.ids) for socket in sockets] == [3, 1, 1, 1, 1]


async def test_what_comes_meanwhile_comes_behind_it(link: ClientLink, first: FakeSocket) -> None:
    link._pace = Pace(burst_bytes=FRAME_BYTES, bytes_per_sec=100 * FRAME_BYTES)
    for number in range(5):
        await send(link, number)
    link.drop(first, 1006)
    socket = FakeSocket()
    assert await link.take_back(socket, "event_1")
    catching_up = asyncio.create_task(link.catch_up(socket, "event_1"))
    await socket.has_some.wait()
    assert not catching_up.done()
    await send(link, 5)
    await catching_up
    await send(link, 6)
    assert socket.ids == [f"event_{number}" for number in range(2, 7)]


async def test_who_comes_twice_at_once_has_it_once(
    link: ClientLink, first: FakeSocket, session: FakeSession, readmission: Readmission
) -> None:
    await send(link, 0)
    link.drop(first, 1006)
    readmission.is_decided.clear()
    one, other = FakeSocket(), FakeSocket()
    coming = [asyncio.create_task(link.take_back(socket, "event_0")) for socket in (one, other)]
    await asyncio.sleep(0)
    readmission.is_decided.set()
    assert await asyncio.gather(*coming) == [True, True]
    assert (one.is_released, other.is_released, readmission.asked) == (True, False, 1)
    assert session.detached_at is None


async def test_whose_place_somebody_else_has_does_not_come_back(
    link: ClientLink, first: FakeSocket, session: FakeSession, readmission: Readmission
) -> None:
    await send(link, 0)
    link.drop(first, 1006)
    readmission.answer = False
    assert not await link.take_back(FakeSocket(), "event_0")
    assert session.is_ending
    assert not await link.take_back(FakeSocket(), "event_0")


async def test_nobody_is_asked_while_the_session_has_its_client(link: ClientLink, readmission: Readmission) -> None:
    """The server may not know yet that the connection is dead: its place is still taken."""
    await send(link, 0)
    readmission.answer = False
    assert await link.take_back(FakeSocket(), "event_0")


async def test_the_session_that_waits_gives_its_place_to_a_newcomer(
    link: ClientLink, first: FakeSocket, session: FakeSession
) -> None:
    await send(link, 0)
    assert not give_up_one(USER_ID)
    link.drop(first, 1006)
    assert not give_up_one(USER_ID + 1)
    assert give_up_one(USER_ID)
    assert session.is_ending
    assert not give_up_one(USER_ID)


async def test_who_does_not_read_what_was_missed_is_told(link: ClientLink, first: FakeSocket) -> None:
    link._log = ReplayLog(max_bytes=4 * FRAME_BYTES)
    await send(link, 0)
    link._pace = Pace(burst_bytes=0, bytes_per_sec=10_000)
    await send(link, 1)
    link.drop(first, 1006)
    socket = FakeSocket()
    assert await link.take_back(socket, "event_0")
    catching_up = asyncio.create_task(link.catch_up(socket, "event_0"))
    await socket.has_some.wait()
    for number in range(2, 20):
        await send(link, number)
    await catching_up
    assert json.loads(socket.frames[-2])["error"]["code"] == "output_too_slow"
    assert socket.frames[-1] == "1008"


async def test_pings_without_end_of_a_client_that_does_not_read(
    link: ClientLink, first: FakeSocket, session: FakeSession
) -> None:
    """One answer at a time waits for it; once it reads, the next ping is answered."""
    first.frames.clear()
    first.has_room.clear()
    for _ in range(100):
        link.feed(first, json.dumps({"type": "session.ping"}), cast(Session, session))
        await asyncio.sleep(0)
    assert first.waiting == 1
    first.has_room.set()
    await asyncio.wait({cast("asyncio.Task[None]", link._answering)})
    link.feed(first, json.dumps({"type": "session.ping"}), cast(Session, session))
    await asyncio.sleep(0)
    assert [json.loads(frame)["type"] for frame in first.frames] == ["session.pong"] * 2
