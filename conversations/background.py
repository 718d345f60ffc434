"""Work that no request waits for, done by one thread of the serving process: `start(jobs)` once, `wake` at news."""

import logging
from collections.abc import Callable, Sequence
from threading import Event, Thread

from django.db import connection

from voiceproject.database import outages

log = logging.getLogger(__name__)

INTERVAL_SEC = 5.0  # between two looks for work that nobody told of, such as of another process
_news = Event()


def wake() -> None:
    """There is work."""
    _news.set()


def start(jobs: Sequence[Callable[[], bool]]) -> None:
    """Each job does a batch of its work and returns whether there is more of it now."""
    Thread(target=_run, args=(jobs,), name="background", daemon=True).start()


def _run(jobs: Sequence[Callable[[], bool]]) -> None:
    while True:
        _news.clear()
        has_more = [do(job) for job in jobs]  # every one has its turn
        if not any(has_more):
            _news.wait(INTERVAL_SEC)


def do(job: Callable[[], bool]) -> bool:
    """Whether there is more to do at once. What fails is tried again at the next look."""
    try:
        return job()
    except Exception as error:  # the thread must outlive whatever is down
        if outages.is_passing(error):
            log.warning("%s waits for the database: %s", job.__module__, outages.reason(error))
        else:
            log.exception("%s failed", job.__module__)
        return False
    finally:
        connection.close()
