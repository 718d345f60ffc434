"""The cache in a process's memory. When it is full, it drops the entries that would expire soonest anyway.

Django's own drops entries at random once there are 300: some 200 requests made it forget who had tried how many
passwords.
"""

import heapq
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.locmem import LocMemCache

MAX_ENTRIES = 100_000  # some 30 MB
GIVEN_UP_AT_ONCE = 10  # a tenth, so that looking through all of them is rare
NEVER = float("inf")


class BoundedCache(LocMemCache):
    """A cache in memory that drops the entries that expire soonest."""

    # Of LocMemCache, as its annotations do not tell.
    _cache: "OrderedDict[str, bytes]"
    _expire_info: dict[str, float | None]
    _delete: Callable[[str], bool]

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(name, {**params, "OPTIONS": {"MAX_ENTRIES": MAX_ENTRIES, **params.get("OPTIONS", {})}})

    def _cull(self) -> None:
        """Make room before an entry is added to a full cache. Called with the lock held."""
        now, ends = time.time(), self._expire_info
        for key in [key for key, end in ends.items() if end is not None and end <= now]:
            self._delete(key)
        surplus = len(self._cache) - self._max_entries + self._max_entries // GIVEN_UP_AT_ONCE
        if surplus > 0:
            for key in heapq.nsmallest(surplus, ends, key=lambda key: ends[key] or NEVER):
                self._delete(key)
