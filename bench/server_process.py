"""Processes of a run: started, kept on the server's core or off it, and ended."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORE = 0  # of the server under test
START_SEC = 90


def leave_server_core() -> None:
    """Keep this process, and all that it starts, off the core of the server under test."""
    if others := os.sched_getaffinity(0) - {CORE}:
        os.sched_setaffinity(0, others)


@dataclass(frozen=True, slots=True)
class Process:
    """A process that was started, and the file that holds all that it prints."""

    pid: int
    log: Path  # all that it prints
    has_ended: Callable[[], bool]


@contextmanager
def run_process(name: str, command: Sequence[str], env: Mapping[str, str], *, pinned: bool) -> Iterator[Process]:
    pin = ["taskset", "--cpu-list", str(CORE)] if pinned else []
    log = ROOT / "var" / f"bench-{name}.log"
    log.parent.mkdir(exist_ok=True)
    with (
        log.open("w") as out,
        subprocess.Popen(
            [*pin, *command], env={**os.environ, **env}, stdin=subprocess.PIPE, stdout=out, stderr=out, cwd=ROOT
        ) as process,
    ):
        try:
            yield Process(process.pid, log, lambda: process.poll() is not None)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()


def await_output(process: Process, pattern: str) -> str:
    """Wait for what the process prints once it is up, and return the group that the pattern captures.

    Raise RuntimeError if it does not come up within START_SEC.
    """
    deadline = time.monotonic() + START_SEC
    while not (found := re.search(pattern, process.log.read_text())):
        if process.has_ended() or time.monotonic() > deadline:
            raise RuntimeError(f"It did not start: {process.log.read_text()}")
        time.sleep(0.1)
    return found[1]
