"""Run the site in several processes that share one port, and see to it that they run.

SIGTERM and SIGINT end all of them, as they end a single one: calls are stored first. A second signal ends them at once.
SIGHUP starts them anew one after the other, with the code that is there by then, while the others serve. A process that
ends by itself is started again, ever later if it keeps ending. One whose event loop stands still is ended, and killed
if it does not wake up, and another takes its place.
"""

import logging
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from time import monotonic

from voiceproject.server.load_board import LoadBoard
from voiceproject.server.worker_count import NUMBER_NAME
from voiceproject.server.worker_link import FILES_NAME, format_files

LOOK_SEC = 0.1  # between two looks at the processes; signals are seen at once
FIRST_WAIT_SEC, LONGEST_WAIT_SEC = 0.5, 30.0  # before a process is started again
STEADY_SEC = 60.0  # a process that ran for so long is started again without delay
FALSE_STARTS = 3  # of one process while none has served yet: then the site cannot start
KILL_SEC = 3.0  # after the second signal
# An event loop that has not run for so long is stuck. A busy one is late by less than a second (`MAX_LOOP_LAG_MS`), and
# by then all its clients and its leases of conversations have given it up.
STUCK_SEC = 30.0
WAKE_SEC = 5.0  # for one that is stuck to obey SIGTERM, before it is killed
log = logging.getLogger("voiceproject.workers")


class Worker:
    """One place among the processes: its number, and the process that has it now."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: subprocess.Popen[bytes] | None = None
        self.start_at = 0.0  # when it may be started
        self.started_at = 0.0
        self.kill_at = float("inf")
        self.failures = 0  # ends in a row, soon after the start
        self.is_ending = False  # it was asked to
        self.is_stale = False  # it is to be started anew, as soon as it has its turn
        self.is_stuck = False  # its event loop stands still, and it was asked to end
        self.beats, self.silent_sec = 0, 0.0  # as it was seen last, and for how long it has not moved since

    def watch(self, beats: int, passed_sec: float) -> float:
        """Take note of its beats as they are now, and return for how many seconds they have not moved."""
        self.silent_sec = self.silent_sec + passed_sec if beats == self.beats else 0.0
        self.beats = beats
        return self.silent_sec

    def ask_to_end(self, patience_sec: float) -> None:
        """Let it end in order, and be killed `patience_sec` later."""
        if self.process and not self.is_ending:
            self.is_ending, self.kill_at = True, monotonic() + patience_sec
            self._send(signal.SIGTERM)

    def end_at_once(self) -> None:
        """Let it end without storing what was said."""
        if self.process:
            self.is_ending, self.kill_at = True, min(self.kill_at, monotonic() + KILL_SEC)
            self._send(signal.SIGTERM)

    def kill_if_due(self) -> bool:
        """Kill it if its time is up, and return whether it was."""
        if not self.process or monotonic() < self.kill_at:
            return False
        if not self.is_stuck:
            log.error("worker %d does not end, so it is killed", self.number)
        self.kill_at = float("inf")
        self._send(signal.SIGKILL)
        return True

    def _send(self, number: signal.Signals) -> None:
        if self.process:
            with suppress(ProcessLookupError):
                self.process.send_signal(number)


class Supervisor:
    """Runs `command` as `count` processes on `listener`, which is bound.

    `greet` is called when they serve. Each gets `patience_sec` to end. One whose event loop has not run for `stuck_sec`
    is replaced.
    """

    def __init__(
        self,
        listener: socket.socket,
        count: int,
        command: Sequence[str],
        greet: Callable[[], None],
        patience_sec: float,
        environ: Mapping[str, str] = os.environ,
        stuck_sec: float = STUCK_SEC,
    ) -> None:
        self._listener, self._command, self._greet, self._patience_sec = listener, command, greet, patience_sec
        self._environ, self._stuck_sec = environ, stuck_sec
        self._looked_at = monotonic()
        self._board = LoadBoard.make(count)
        self._workers = [Worker(number) for number in range(1, count + 1)]
        self._life_line, self._life_line_end = os.pipe()
        self._has_served = self._has_greeted = False
        self._is_stopping = False
        self._exit_code = 0
        self._had_terminal = sys.stderr.isatty()

    def run(self) -> int:
        """Run until all have ended after a signal, and return the exit code."""
        with _catch_signals() as wake:
            while not self._is_stopping or any(worker.process for worker in self._workers):
                for number in _read_signals(wake, LOOK_SEC):
                    self._take_signal(number)
                for worker in self._workers:
                    self._look_at(worker)
                self._replace_stuck()
                self._roll_on()
                self._greet_once()
        os.close(self._life_line_end)
        return self._exit_code

    def _take_signal(self, number: int) -> None:
        if number == signal.SIGHUP and not self._is_terminal_gone():
            log.warning("the workers are started anew, one after the other")
            for worker in self._workers:
                worker.is_stale = True
        elif number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            for worker in self._workers:
                worker.end_at_once() if self._is_stopping else worker.ask_to_end(self._patience_sec)
            self._is_stopping = True

    def _is_terminal_gone(self) -> bool:
        """Return whether a terminal that was there has been closed, which sends SIGHUP, too."""
        return self._had_terminal and not sys.stderr.isatty()

    def _look_at(self, worker: Worker) -> None:
        if worker.process is None:
            if not self._is_stopping and monotonic() >= worker.start_at:
                self._start(worker)
        elif (code := worker.process.poll()) is not None:
            self._note_end(worker, code)
        elif worker.kill_if_due() and not worker.is_stuck:
            self._exit_code = 1

    def _replace_stuck(self) -> None:
        """End the workers that serve and whose event loop stands still. Others take their places once they are gone.

        What this process slept itself does not count: then the whole machine may have stood still.
        """
        now = monotonic()
        passed_sec, self._looked_at = min(now - self._looked_at, 2 * LOOK_SEC), now
        for worker in self._workers:
            if not worker.process or not self._board.is_open(worker.number):
                if worker.is_stuck and worker.process:  # it has woken up, and lets its calls end
                    worker.is_stuck, worker.kill_at = False, now + self._patience_sec
                continue
            silent_sec = worker.watch(self._board.read_beats(worker.number), passed_sec)
            if silent_sec > self._stuck_sec and not worker.is_ending:
                self._board.note_stuck()
                log.error("worker %d is stuck: its event loop has not run for %.0f s; it is replaced",
                          worker.number, silent_sec)  # fmt: skip
                worker.is_stuck = True
                worker.ask_to_end(WAKE_SEC)

    def _start(self, worker: Worker) -> None:
        files = self._listener.fileno(), self._board.file, self._life_line
        environ = {**self._environ, NUMBER_NAME: str(worker.number), FILES_NAME: format_files(*files)}
        worker.is_ending = worker.is_stale = worker.is_stuck = False
        worker.silent_sec = 0.0
        worker.kill_at, worker.started_at = float("inf"), monotonic()
        # A session of its own: Ctrl-C reaches a whole process group, and would then come twice.
        try:
            worker.process = subprocess.Popen(self._command, env=environ, pass_fds=files, start_new_session=True)  # noqa: S603
        except OSError as error:  # no memory or no more processes: the others serve on
            log.error("worker %d cannot be started: %s", worker.number, error.strerror)
            self._note_end(worker, code=1)

    def _note_end(self, worker: Worker, code: int) -> None:
        worker.process = None
        self._board.wipe(worker.number)
        if worker.is_ending:
            worker.start_at = worker.failures = 0
            return
        worker.failures = 0 if monotonic() - worker.started_at > STEADY_SEC else worker.failures + 1
        if self._is_stopping:
            return
        if not self._has_served and worker.failures >= FALSE_STARTS:
            log.error("worker %d cannot start", worker.number)
            self._exit_code = code if code > 0 else 1
            self._take_signal(signal.SIGTERM)
            return
        wait_sec = min(LONGEST_WAIT_SEC, FIRST_WAIT_SEC * 2 ** max(0, worker.failures - 1))
        worker.start_at = monotonic() + wait_sec
        log.error("worker %d ended %s; it is started again in %.1f s", worker.number, _describe(code), wait_sec)

    def _roll_on(self) -> None:
        """Start the next process anew if there is one to, and all others serve."""
        if self._is_stopping or any(not self._board.is_open(one.number) for one in self._workers if not one.is_stale):
            return
        if any(one.is_ending for one in self._workers):
            return
        if (stale := next((one for one in self._workers if one.is_stale and one.process), None)) is not None:
            stale.ask_to_end(self._patience_sec)

    def _greet_once(self) -> None:
        """Greet when all serve; one that cannot start does not keep the others from saying so."""
        serving = [worker for worker in self._workers if self._board.is_open(worker.number)]
        self._has_served = self._has_served or bool(serving)
        if serving and not self._has_greeted and all(one in serving or one.failures for one in self._workers):
            self._has_greeted = True
            self._greet()


def _describe(code: int) -> str:
    return f"by signal {-code}" if code < 0 else f"with exit code {code}"


@contextmanager
def _catch_signals() -> Iterator[socket.socket]:
    """Yield a socket from which the numbers of the signals can be read that come meanwhile."""
    reader, writer = socket.socketpair()
    with reader, writer:
        reader.setblocking(False)
        writer.setblocking(False)
        caught = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
        before = {number: signal.signal(number, lambda *_: None) for number in caught}
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        try:
            yield reader
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)


def _read_signals(wake: socket.socket, wait_sec: float) -> bytes:
    """Return the numbers of the signals that have come, after waiting for one."""
    readable, _, _ = select.select([wake], [], [], wait_sec)
    return wake.recv(256) if readable else b""
