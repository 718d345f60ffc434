"""How much of a core this process may use.

One process runs Python on one core at a time, however many the machine has and may be used: more cores are used by more
processes. So the most is one; a container that may use but a part of a core, by its quota, has that part.
"""

from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of control groups, version 2: "max 100000", or "50000 100000" for half a core


def share_of_core(quota: Path = QUOTA) -> float:
    """Return how much of a core this process may use, from 0 to 1."""
    try:
        used, period = quota.read_text().split()
        return min(1.0, int(used) / int(period))
    except (OSError, ValueError, ZeroDivisionError):  # no quota
        return 1.0
