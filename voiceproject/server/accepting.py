"""Accept connections, and share them out evenly among the processes that listen on one socket.

A conversation lasts for minutes, so it matters with whom it begins. The kernel does not know how busy a process is: it
wakes all that wait on a shared socket, and the same few are mostly first; with a socket for each (SO_REUSEPORT) it
draws lots, which leaves some full while others are half empty, and drops what waits at one that ends. So every process
tells the others its load, and whoever has more of it than another gives that one a head start.
"""

import asyncio
import errno
import logging
import socket
from collections import deque
from collections.abc import Callable
from time import monotonic

from voiceproject.server.load_board import LoadBoard

BACKLOG = 1024  # connections that wait to be accepted; the kernel's own limit may be lower
# Accepted at once by a process that is alone. Among several each takes one at a time, and then looks who is next.
AT_ONCE = 64
HEAD_START_SEC = 0.01  # for a process with less load; one whose loop is later than that is not less busy
BUSY_HEAD_START_SEC = 0.1  # where this one would have to tell a newcomer that it is busy
TELL_SEC = 0.1  # between two looks at the own load
# A connection that was just accepted may become a session, so it counts as one for so long.
RECENT_SEC = 1.0
BUSY = 1_000_000  # added to the load of a process without room
FULL = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
FULL_SEC = 1.0
log = logging.getLogger(__name__)


class Acceptor:
    """Accepts connections of a listening socket and hands them to `adopt`, on the running event loop.

    With a board, `number` is this process's own, and `measure` returns how many sessions it has and whether it has room
    for more.
    """

    def __init__(
        self,
        listener: socket.socket,
        adopt: Callable[[socket.socket], None],
        measure: Callable[[], tuple[int, bool]],
        board: LoadBoard | None = None,
        number: int = 0,
    ) -> None:
        self._listener, self._adopt, self._measure = listener, adopt, measure
        self._board, self._number = board, number
        self._recent: deque[float] = deque()
        self._later: asyncio.TimerHandle | None = None  # the end of a head start
        self._telling: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Listen, and accept from now on. Raise OSError if the port was lost."""
        self._listener.listen(BACKLOG)
        self._listener.setblocking(False)
        asyncio.get_running_loop().add_reader(self._listener, self._meet)
        if self._board:
            self._tell_regularly(self._board)

    def stop(self) -> None:
        """Accept nobody any more. Processes that share the socket go on."""
        if self._listener.fileno() < 0:
            return
        asyncio.get_running_loop().remove_reader(self._listener)
        for timer in (self._later, self._telling):
            if timer:
                timer.cancel()
        if self._board:
            self._board.wipe(self._number)
        self._listener.close()

    def _meet(self) -> None:
        """Somebody waits: accept, or step back first for a process with less load."""
        wait_sec = self._choose_head_start()
        if wait_sec:
            self._pause(wait_sec, self._accept)
        else:
            self._accept()

    def _choose_head_start(self) -> float:
        if self._board is None:
            return 0.0
        own = self._tell(self._board)
        least = self._board.find_least(but=self._number)
        if least is None or own <= least:
            return 0.0
        return BUSY_HEAD_START_SEC if own >= BUSY > least else HEAD_START_SEC

    def _accept(self) -> None:
        for _ in range(1 if self._board else AT_ONCE):
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return  # somebody else was first, or it has hung up
            except OSError as error:
                if error.errno not in FULL:
                    raise
                log.error("cannot accept connections for now: %s", error.strerror)
                self._pause(FULL_SEC)
                return
            connection.setblocking(False)
            self._adopt(connection)
            if self._board:
                self._recent.append(monotonic())
                self._tell(self._board)

    def _pause(self, wait_sec: float, action: Callable[[], None] = lambda: None) -> None:
        """Look away from the socket for a while, and then do the action."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._listener)

        def resume() -> None:
            loop.add_reader(self._listener, self._meet)
            action()

        self._later = loop.call_later(wait_sec, resume)

    def _tell(self, board: LoadBoard) -> int:
        """Write the own load on the board, and return it."""
        now = monotonic()
        while self._recent and self._recent[0] < now - RECENT_SEC:
            self._recent.popleft()
        sessions, has_room = self._measure()
        load = sessions + len(self._recent) + (0 if has_room else BUSY)
        board.write(self._number, load)
        return load

    def _tell_regularly(self, board: LoadBoard) -> None:
        self._tell(board)
        self._telling = asyncio.get_running_loop().call_later(TELL_SEC, self._tell_regularly, board)
