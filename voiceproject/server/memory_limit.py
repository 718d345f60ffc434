"""Measure how much memory this machine or container may use."""

import os
from contextlib import suppress
from pathlib import Path

LIMIT = Path("/sys/fs/cgroup/memory.max")  # of control groups, version 2: "max", or bytes


def measure_memory_mb(limit: Path = LIMIT) -> int:
    """Return how many megabytes there are for all processes together."""
    have = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no limit
        have = min(have, int(limit.read_text()))
    return have // 1_000_000
