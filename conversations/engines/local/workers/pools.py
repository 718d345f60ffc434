"""The pools of worker processes that all sessions of this process share, one for each model.

Where several processes serve the site, they share the machine's memory: `share_places` bounds what all of them load.
"""

import atexit
from threading import Lock
from typing import Any

from conversations.engines.engine_kinds import EngineKind
from conversations.engines.local.workers.places import Places
from conversations.engines.local.workers.pool import WorkerPool

MODELS_AT_ONCE = 2  # of a kind; those that were used last stay in memory
SCARCE_IDLE_SEC = 20.0  # without a request, after which a process gives its place to those who have none

_places: Places | None = None
_lock = Lock()
_pools: dict[tuple[Any, ...], WorkerPool] = {}  # the one that was used last stands last


def get_pool(kind: EngineKind, load: str, arguments: tuple[Any, ...], **options: Any) -> WorkerPool:
    """Return the pool of a model; the options are WorkerPool's. Call it for each request: a pool may be replaced."""
    key = (kind, load, arguments)
    with _lock:
        pool = _pools.pop(key, None) or WorkerPool(kind, load, arguments, **_fit(options))
        _pools[key] = pool
        most = MODELS_AT_ONCE if _places is None or _places.has_enough else 1
        for old in [one for one in _pools if one[0] == kind][:-most]:
            _pools.pop(old).retire()
        return pool


def share_places(places: Places) -> None:
    """Load no more from now on than there are places for, in all processes of the site together."""
    global _places
    _places = places


def _fit(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a new pool, so that it leaves the other processes of the site their places."""
    if _places is None:
        return options
    if not _places.has_enough:
        options = {**options, "processes": 1, "at_once": 1}
    if not _places.has_one_of_each:
        options = {**options, "idle_sec": SCARCE_IDLE_SEC}
    return {**options, "take_place": _places.take}


def close_pools() -> None:
    """End all worker processes, at the end of the site."""
    with _lock:
        pools = list(_pools.values())
        _pools.clear()
    for pool in pools:
        pool.close()


# They would end by themselves when their pipes close; so the site has seen them end before it does.
atexit.register(close_pools)
