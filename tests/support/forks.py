"""Processes that run the project's commands, forked from one that has imported what they need (`fork_server`)."""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock, Thread

asking = Lock()


class Fork:
    """A running process, with what the tests use of `subprocess.Popen`.

    `arguments` are those of Python, `folder` is the project or a copy of it, `output` and `errors` are the file
    descriptors for what it prints.
    """

    def __init__(
        self, arguments: Sequence[str], env: Mapping[str, str], folder: Path, output: int, errors: int
    ) -> None:
        request = json.dumps({"arguments": list(arguments), "env": dict(env), "folder": str(folder)}).encode()
        status, status_end = os.pipe()
        with asking:
            socket.send_fds(start_server(), [request], [output, errors, status_end])
        os.close(status_end)
        self.args = arguments
        self._status = open(status)  # noqa: SIM115
        self.pid = int(self._status.readline())
        self._exit_code: Future[int] = Future()
        Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        with self._status:
            self._exit_code.set_result(int(self._status.readline()))

    def poll(self) -> int | None:
        """Return the exit code, or None while the process runs."""
        return self._exit_code.result() if self._exit_code.done() else None

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code, negative for a signal. Raise TimeoutExpired."""
        try:
            return self._exit_code.result(timeout)
        except TimeoutError:
            raise subprocess.TimeoutExpired(self.args, timeout or 0) from None

    def send_signal(self, sign: int) -> None:
        """Send the signal, unless the process has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended, and word of that is on its way
                os.kill(self.pid, sign)

    def terminate(self) -> None:
        """Ask the process to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process at once."""
        self.send_signal(signal.SIGKILL)


@cache
def start_server() -> socket.socket:
    """Start the server that forks, once for this process of tests, with which it ends."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-u", "-m", "tests.support.fork_server", str(its.fileno())]
    server = subprocess.Popen(command, cwd=Path(__file__).parents[2], pass_fds=[its.fileno()], stdin=subprocess.DEVNULL)
    its.close()

    @atexit.register
    def end() -> None:
        ours.close()
        server.wait()

    return ours
