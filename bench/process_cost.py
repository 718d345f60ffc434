"""What the processes that a program has started cost: CPU and memory, as Linux tells them."""

import os
from contextlib import suppress
from pathlib import Path
from threading import Thread
from time import sleep

TICKS_PER_SEC = os.sysconf("SC_CLK_TCK")


def read_cpu_sec(process_id: int) -> float:
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SEC


def read_memory_mb(process_id: int) -> float:
    """Return what a process takes, its share of what it has in common with others included; 0 if it is gone."""
    try:
        lines = Path(f"/proc/{process_id}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000


def read_peak_mb(process_id: int) -> float:
    """Return the most that a process has taken so far."""
    lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1000


def list_children() -> list[int]:
    """Return the processes that any thread of this one has started."""
    found = []
    for path in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):  # the thread has ended
            found += [int(child) for child in path.read_text().split()]
    return found


class Memory:
    """The most memory that all processes of this program took at a time, looked at every tenth of a second."""

    def __init__(self) -> None:
        self.peak_mb = 0.0
        Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            self.peak_mb = max(self.peak_mb, sum(map(read_memory_mb, list_children())))
            sleep(0.1)
