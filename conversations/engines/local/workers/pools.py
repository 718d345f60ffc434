"""The pools of worker processes that all sessions of this site share, one for each model."""

import atexit
from threading import Lock
from typing import Any

from conversations.engines.engine_kinds import EngineKind
from conversations.engines.local.workers.pool import WorkerPool

MODELS_AT_ONCE = 2  # of a kind; those that were used last stay in memory

_lock = Lock()
_pools: dict[tuple[Any, ...], WorkerPool] = {}  # the one that was used last stands last


def get_pool(kind: EngineKind, load: str, arguments: tuple[Any, ...], **options: Any) -> WorkerPool:
    """Return the pool of a model; the options are WorkerPool's. Call it for each request: a pool may be replaced."""
    key = (kind, load, arguments)
    with _lock:
        pool = _pools.pop(key, None) or WorkerPool(kind, load, arguments, **options)
        _pools[key] = pool
        for old in [one for one in _pools if one[0] == kind][:-MODELS_AT_ONCE]:
            _pools.pop(old).retire()
        return pool


def close_pools() -> None:
    """End all worker processes, at the end of the site."""
    with _lock:
        pools = list(_pools.values())
        _pools.clear()
    for pool in pools:
        pool.close()


# They would end by themselves when their pipes close; so the site has seen them end before it does.
atexit.register(close_pools)
