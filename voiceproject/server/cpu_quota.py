"""Measure how much of this machine's cores a process may use.

A process runs Python on one core at a time, however many there are; more processes use more cores. So the most is one.
A container whose quota is less than a core has that part.
"""

import os
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of control groups, version 2: "max 100000", or "50000 100000" for half a core


def count_cores(quota: Path = QUOTA) -> float:
    """Return how many cores this machine or container may use; half a core is 0.5."""
    cores = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    try:
        used, period = quota.read_text().split()
        return min(cores, int(used) / int(period))
    except (OSError, ValueError, ZeroDivisionError):  # no quota
        return cores


def read_core_share(quota: Path = QUOTA, workers: int = 1) -> float:
    """Return how much of a core each of so many processes may use, from 0 to 1."""
    return min(1.0, count_cores(quota) / workers)
