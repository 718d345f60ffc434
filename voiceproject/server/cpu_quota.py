"""Measure how much of a core this process may use.

A process runs Python on one core at a time, however many there are; more processes use more cores. So the most is one.
A container whose quota is less than a core has that part.
"""

from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of control groups, version 2: "max 100000", or "50000 100000" for half a core


def read_core_share(quota: Path = QUOTA) -> float:
    """Return how much of a core this process may use, from 0 to 1."""
    try:
        used, period = quota.read_text().split()
        return min(1.0, int(used) / int(period))
    except (OSError, ValueError, ZeroDivisionError):  # no quota
        return 1.0
