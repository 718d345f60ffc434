"""What is measured by looking, not counted as it happens: the event loop, the pool of connections, queues, the disk."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from time import monotonic

from django.conf import settings
from django.db import connections
from prometheus_client import Gauge
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from conversations import metrics
from conversations.loop_lag import LAG
from conversations.storage import database_threads, write_queue
from voiceproject.http import request_handling
from voiceproject.server.load_board import LoadBoard
from voiceproject.settings.env import VAR_DIR

EVERY_SEC = 2.0
# psycopg_pool's names, and ours.
POOL = {"pool_size": "open", "pool_available": "free", "pool_max": "most", "requests_waiting": "waiting"}
POOL_ERRORS = ("requests_errors", "connections_errors", "connections_lost")

_lag = Gauge(
    "voiceproject_event_loop_lag_seconds",
    "How late the event loop is, averaged over a second.",
    multiprocess_mode="liveall",
)
_pool = Gauge(
    "voiceproject_database_pool",
    "Connections to Postgres that are open, free, and at the most; callers that wait for one.",
    ["state"],
    multiprocess_mode="livesum",
)
_pool_errors = Gauge(
    "voiceproject_database_pool_errors",
    "Since the process began: callers that got no connection in time, attempts to connect that failed, and "
    "connections that were lost.",
    ["kind"],
    multiprocess_mode="livesum",
)
_queues = Gauge(
    "voiceproject_queue_length",
    "What waits: changes of sessions to be stored, calls to the database for a thread, requests for their turn.",
    ["queue"],
    multiprocess_mode="livesum",
)


def record() -> None:
    """Set the figures of this process. It takes some microseconds, and waits for nothing."""
    _lag.set(LAG.measure_sec(monotonic()))
    metrics.set_capacity(settings.REALTIME["MAX_SESSIONS"])
    stats = connections["default"].pool.get_stats()  # type: ignore[attr-defined]  # of Django's Postgres backend
    for name, state in POOL.items():
        _pool.labels(state).set(stats.get(name, 0))
    for name in POOL_ERRORS:
        _pool_errors.labels(name).set(stats.get(name, 0))
    _queues.labels("changes").set(write_queue.count_waiting())
    _queues.labels("database_calls").set(database_threads.count_waiting())
    _queues.labels("requests").set(request_handling.count_waiting())


def keep_recording() -> None:
    """Record from now on, in a thread: a loop that stands still shows too, and no scrape need reach this process."""
    Thread(target=_record_regularly, name="metrics", daemon=True).start()


def _record_regularly() -> None:
    while not Event().wait(EVERY_SEC):
        record()


_board: LoadBoard | None = None  # of this process's supervisor


def show_board(board: LoadBoard) -> None:
    """Tell what is on the board of the supervisor from now on, too."""
    global _board
    _board = board


class MachineCollector(Collector):
    """The figures that all processes of a machine share: the spool, the disks that the site writes to, the board."""

    def collect(self) -> Iterator[Metric]:
        """Look at the folders and the board."""
        text = "Processes that were replaced since their event loop stood still."
        yield CounterMetricFamily("voiceproject_workers_stuck", text, _board.count_stuck() if _board else 0)
        yield from _measure_spool(settings.SPOOL_DIR)
        yield from _measure_disks({"spool": settings.SPOOL_DIR, "var": VAR_DIR})


def _measure_spool(folder: Path) -> Iterator[Metric]:
    sizes, failed = [], 0
    if folder.is_dir():
        for path in folder.iterdir():
            try:
                size = path.stat().st_size
            except FileNotFoundError:  # stored meanwhile
                continue
            if path.name.endswith(".failed"):
                failed += 1
            elif path.suffix == ".jsonl":  # beside them: what is being said, and the locks of processes
                sizes.append(size)
    yield GaugeMetricFamily("voiceproject_spool_files", "Sessions whose last words wait to be stored.", len(sizes))
    yield GaugeMetricFamily("voiceproject_spool_bytes", "What they take on the disk.", sum(sizes))
    yield GaugeMetricFamily("voiceproject_spool_failed_files", "Sessions set aside that can never be stored.", failed)


def _measure_disks(folders: dict[str, Path]) -> Iterator[Metric]:
    free = GaugeMetricFamily("voiceproject_disk_free_bytes", "Free space for the site's files.", labels=["folder"])
    size = GaugeMetricFamily("voiceproject_disk_size_bytes", "The size of that disk.", labels=["folder"])
    for name, folder in folders.items():
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        usage = shutil.disk_usage(there)
        free.add_metric([name], usage.free)
        size.add_metric([name], usage.total)
    yield free
    yield size
