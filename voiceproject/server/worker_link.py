"""What a process that serves the site has from its supervisor: the socket, the board of loads, and a life line.

The life line is the end of a pipe whose other end only the supervisor has. When the supervisor ends, in whatever way,
this process ends too: first as SIGTERM ends it, so that calls are stored, and soon after in any case.
"""

import os
import select
import signal
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Thread

from voiceproject.server.load_board import LoadBoard
from voiceproject.server.worker_count import read_worker_number

FILES_NAME = "WORKER_FILES"  # the variable with the three file descriptors


@dataclass(frozen=True, slots=True)
class WorkerLink:
    """`number` is that of this process, from 1."""

    number: int
    listener: socket.socket
    board: LoadBoard
    life_line: int

    def end_with_supervisor(self, patience_sec: float) -> None:
        """See to it that this process has ended `patience_sec` after its supervisor, which it watches from now on."""
        Thread(target=self._watch, args=(patience_sec,), name="supervisor watch", daemon=True).start()

    def _watch(self, patience_sec: float) -> None:
        hangup = select.poll()
        hangup.register(self.life_line, 0)
        hangup.poll()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(patience_sec)
        os._exit(1)


def format_files(listener: int, board: int, life_line: int) -> str:
    """Return the value of the variable that tells a process of these file descriptors."""
    return f"{listener},{board},{life_line}"


def find_link(environ: Mapping[str, str] = os.environ) -> WorkerLink | None:
    """Return the link to the supervisor that started this process, or None if it serves alone."""
    if not (number := read_worker_number(environ)) or FILES_NAME not in environ:
        return None
    listener, board, life_line = (int(file) for file in environ[FILES_NAME].split(","))
    for file in (listener, board, life_line):
        os.set_inheritable(file, False)  # not for the programs that this process starts
    return WorkerLink(number, socket.socket(fileno=listener), LoadBoard(board), life_line)
