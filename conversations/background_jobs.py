"""Run jobs that no request waits for, in one thread of the serving process."""

import logging
from collections.abc import Callable, Sequence
from threading import Event, Thread

from django.db import connection

from voiceproject.database import outages

log = logging.getLogger(__name__)

INTERVAL_SEC = 5.0  # between two runs without news; another process may have left work
_news = Event()


def wake() -> None:
    """Tell the thread that there is work, so that it runs the jobs at once."""
    _news.set()


def start(jobs: Sequence[Callable[[], bool]]) -> None:
    """Start the thread. Each job does a batch of its work, and returns whether there is more to do now."""
    Thread(target=_run, args=(jobs,), name="background", daemon=True).start()


def _run(jobs: Sequence[Callable[[], bool]]) -> None:
    while True:
        _news.clear()
        has_more = [run_job(job) for job in jobs]  # each job gets a turn, whatever the others return
        if not any(has_more):
            _news.wait(INTERVAL_SEC)


def run_job(job: Callable[[], bool]) -> bool:
    """Run one job, and return whether it has more to do at once. A job that fails runs again later."""
    try:
        return job()
    except Exception as error:  # the thread must outlive whatever is down
        if outages.is_passing(error):
            log.warning("%s waits for the database: %s", job.__module__, outages.describe(error))
        else:
            log.exception("%s failed", job.__module__)
        return False
    finally:
        connection.close()
