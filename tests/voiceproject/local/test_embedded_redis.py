"""The Redis that a site of several processes starts for itself: it answers, comes back, and never stays behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from django.core.exceptions import ImproperlyConfigured

from tests.support.live import ROOT
from tests.support.supervised import wait_until
from voiceproject.local import embedded_redis

USE = """
import logging, sys
from voiceproject.local import embedded_redis
logging.basicConfig(format="%(message)s")
print(embedded_redis.start(), flush=True)
sys.stdin.readline()
"""


@contextmanager
def use_redis() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield a process that uses it until it reads a line, and its URL."""
    command, pipe = [sys.executable, "-c", USE], subprocess.PIPE
    with subprocess.Popen(command, text=True, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdout
        yield process, process.stdout.readline().strip()
        process.kill()


def is_up(url: str) -> bool:
    with redis.Redis.from_url(url) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


def test_it_ends_with_who_started_it() -> None:
    with use_redis() as (process, url):
        with redis.Redis.from_url(url) as client:
            assert client.incr("count") == 1
            assert client.config_get("maxmemory")["maxmemory"] == str(256 << 20)
            assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
            assert client.config_get("save") == {"save": ""}
        folder = Path(url.removeprefix("unix://")).parent
        assert folder.stat().st_mode & 0o777 == 0o700
        process.communicate("\n")
        assert not is_up(url)
        assert not folder.exists()


def test_it_ends_with_one_that_is_killed() -> None:
    with use_redis() as (process, url):
        process.kill()
        wait_until(lambda: not is_up(url))
        wait_until(lambda: not Path(url.removeprefix("unix://")).parent.exists())


def get_process_id(url: str) -> int:
    with redis.Redis.from_url(url) as client:
        try:
            return int(client.info("server")["process_id"])
        except redis.ConnectionError:
            return 0


def test_one_that_is_killed_is_started_again() -> None:
    with use_redis() as (_, url):
        os.kill(killed := get_process_id(url), signal.SIGKILL)
        wait_until(lambda: get_process_id(url) not in (0, killed))


def test_where_there_is_none_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_redis, "find_server", lambda: None)
    with pytest.raises(ImproperlyConfigured, match="Set REDIS_URL, or install redis-server"):
        embedded_redis.start()


def test_one_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_redis, "START_SEC", 0.1)
    monkeypatch.setattr(embedded_redis, "find_server", lambda: "/bin/false")
    with pytest.raises(ImproperlyConfigured, match="Redis does not start: /bin/false"):
        embedded_redis.start()
