"""Processes that share a listening socket: who takes the next connection."""

import asyncio
import errno
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.polling import poll
from voiceproject.server import accepting
from voiceproject.server.accepting import Acceptor
from voiceproject.server.load_board import LoadBoard


class Process:
    """One of several, as far as accepting goes: all run in one event loop here."""

    def __init__(self, listener: socket.socket, board: LoadBoard | None = None, number: int = 0) -> None:
        self.sessions, self.has_room = 0, True
        self.taken: list[socket.socket] = []
        self.acceptor = Acceptor(listener, self.taken.append, lambda: (self.sessions, self.has_room), board, number)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
async def processes(listener: socket.socket) -> AsyncIterator[list[Process]]:
    board = LoadBoard.make(3)
    all_of_them = [Process(listener.dup(), board, number) for number in (1, 2, 3)]
    for one in all_of_them:
        one.acceptor.start()
    yield all_of_them
    for one in all_of_them:
        one.acceptor.stop()


async def connect(listener: socket.socket, processes: list[Process], count: int) -> list[int]:
    """Let so many clients come at once, and return how many each process has taken."""
    before = sum(len(one.taken) for one in processes)
    clients = [socket.create_connection(listener.getsockname()) for _ in range(count)]
    await poll(lambda: _has(processes, before + count))
    for connection in (*clients, *(connection for one in processes for connection in one.taken)):
        connection.close()
    return [len(one.taken) for one in processes]


async def _has(processes: list[Process], count: int) -> bool:
    return sum(len(one.taken) for one in processes) >= count


async def test_those_who_come_at_once_are_shared_out_evenly(listener: socket.socket, processes: list[Process]) -> None:
    assert Counter(await connect(listener, processes, 30)) == {10: 3}


async def test_the_one_with_the_fewest_sessions_takes_all_until_it_has_as_many(
    listener: socket.socket, processes: list[Process]
) -> None:
    processes[0].sessions = processes[2].sessions = 20
    assert await connect(listener, processes, 15) == [0, 15, 0]


async def test_one_without_room_takes_somebody_only_if_all_are_full(
    listener: socket.socket, processes: list[Process]
) -> None:
    processes[0].has_room = processes[1].has_room = False
    processes[2].sessions = 40
    assert await connect(listener, processes, 5) == [0, 0, 5]
    processes[2].has_room = False
    assert sum(await connect(listener, processes, 3)) == 8


async def test_one_that_stops_leaves_the_others_listening(listener: socket.socket, processes: list[Process]) -> None:
    processes[1].acceptor.stop()
    assert await connect(listener, processes, 10) == [5, 0, 5]


async def test_the_least_busy_one_may_be_stuck(
    listener: socket.socket, processes: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then those who stepped back for it take over."""
    processes[0].sessions = processes[2].sessions = 20
    asyncio.get_running_loop().remove_reader(processes[1].acceptor._listener)
    taken = await connect(listener, processes, 4)
    assert taken[1] == 0
    asyncio.get_running_loop().add_reader(processes[1].acceptor._listener, lambda: None)


async def test_one_alone_takes_whoever_comes(listener: socket.socket) -> None:
    alone = Process(listener)
    alone.acceptor.start()
    address = listener.getsockname()
    assert await connect(listener, [alone], 200) == [200]
    alone.acceptor.stop()
    alone.acceptor.stop()  # a second signal
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


class FullListener(socket.socket):
    """As a process whose files are all in use has it: once."""

    was_full = False

    def accept(self) -> tuple[socket.socket, object]:
        if not self.was_full:
            self.was_full = True
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


async def test_a_process_without_free_files_tries_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(accepting, "FULL_SEC", 0.01)
    listener = FullListener()
    listener.bind(("127.0.0.1", 0))
    alone = Process(listener)
    alone.acceptor.start()
    assert await connect(listener, [alone], 3) == [3]
    assert "cannot accept connections for now" in caplog.text
    alone.acceptor.stop()
