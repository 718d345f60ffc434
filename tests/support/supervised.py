"""A small site under a supervisor: each worker tells whoever connects its number and the id of its process."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Condition, Thread
from time import monotonic, sleep

from tests.support.patience import stretch

SUPERVISE = """
import logging, os, socket, sys
from voiceproject.server.supervisor import Supervisor
logging.basicConfig(format="%(message)s")
listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
command = [sys.executable, "-c", sys.argv[2]]
greet = lambda: os.write(1, f"serving at {port}\\n".encode())
count, patience_sec, stuck_sec = int(sys.argv[1]), float(sys.argv[3]), float(sys.argv[4])
sys.exit(Supervisor(listener, count, command, greet, patience_sec, stuck_sec=stuck_sec).run())
"""
# `work` may change how it ends, or whether it starts at all.
WORKER = """
import asyncio, os, signal, sys, time
from voiceproject.server.accepting import Acceptor
from voiceproject.server.worker_link import find_link
link = find_link()
link.end_with_supervisor(0.2)
say = lambda text: os.write(1, f"worker {{link.number}} {{text}}\\n".encode())  # in one piece: all have one terminal
say(f"is {{os.getpid()}}")
drain_sec = 0
work_for = lambda connection: None
{work}
def adopt(connection):
    with connection:
        connection.setblocking(True)
        connection.sendall(f"{{link.number}} {{os.getpid()}} {{link.board.count_stuck()}}".encode())
        work_for(connection)
async def serve():
    ended = asyncio.Event()
    end = lambda: os._exit(0) if ended.is_set() else ended.set()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
    acceptor = Acceptor(link.listener, adopt, lambda: (0, True), link.board, link.number)
    acceptor.start()
    await ended.wait()
    acceptor.stop()
    say("drains")
    await asyncio.sleep(drain_sec)
asyncio.run(serve())
"""


def wait_until(is_so: Callable[[], object], patience_sec: float = 10.0) -> None:
    """Ask until the answer is true."""
    give_up_at = monotonic() + stretch(patience_sec)
    while not is_so():
        assert monotonic() < give_up_at
        sleep(0.02)


@dataclass
class SupervisedSite:
    """`lines` is what the supervisor and its workers have printed."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    printed: Condition = field(default_factory=Condition)
    stuck: int = 0  # how many workers were replaced, as the worker that answered last has it

    @property
    def log(self) -> str:
        return "".join(self.lines)

    def follow(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self.printed:
                self.lines.append(line)
                self.printed.notify_all()

    def wait_for(self, pattern: str, times: int = 1) -> list[str]:
        """Wait until that many lines match, and return what the group in the pattern found in each."""
        with self.printed:
            found = self.printed.wait_for(lambda: len(re.findall(pattern, self.log)) >= times, stretch(10))
            assert found, f"no {pattern!r} in:\n{self.log}"
            return re.findall(pattern, self.log)

    def list_workers(self) -> list[int]:
        """Return the ids of all worker processes so far, in the order in which they started."""
        return [int(pid) for pid in re.findall(r"worker \d+ is (\d+)", self.log)]

    def ask(self) -> tuple[int, int]:
        """Connect, and return the number and the process id of the worker that answers."""
        port = int(self.wait_for(r"serving at (\d+)")[0])
        with socket.create_connection(("127.0.0.1", port), timeout=stretch(10)) as connection:
            number, pid, self.stuck = map(int, connection.recv(100).split())
            return number, pid


@contextmanager
def supervise(
    count: int = 2, work: str = "", patience_sec: float = 20.0, stuck_sec: float = 60.0
) -> Iterator[SupervisedSite]:
    """Run `count` such workers under a supervisor, and kill all of them in the end."""
    numbers = str(patience_sec), str(stuck_sec)
    command = [sys.executable, "-c", SUPERVISE, str(count), WORKER.format(work=work), *numbers]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        site = SupervisedSite(process)
        follower = Thread(target=site.follow, daemon=True)
        follower.start()
        try:
            yield site
        finally:
            process.kill()
            for pid in site.list_workers():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()
            follower.join(stretch(10))
