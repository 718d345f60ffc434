"""Two sites, or more, on one Postgres and one Redis. These tests take long, and are only there for `make chaos`."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.chaos.servers import Servers
from tests.support.live import run_redis
from tests.support.official_fixtures import key, user
from tests.upstream.fixtures import Upstream

__all__ = ["key", "user"]
collect_ignore_glob = [] if os.environ.get("CHAOS") else ["test_*.py"]


@pytest.fixture
def folder() -> Path:
    """A folder beside pytest's own, which every other run of pytest closes to Postgres as it starts."""
    name = tempfile.mkdtemp(prefix="voiceproject-chaos-")
    atexit.register(shutil.rmtree, name, ignore_errors=True)  # after Postgres has left it, which is begun later
    return Path(name)


@pytest.fixture
def count() -> int:
    """Return how many sites there are; a test that wants another number has a fixture of this name."""
    return 2


@pytest.fixture
def servers(folder: Path, upstream_process: Upstream, count: int) -> Iterator[Servers]:
    with run_redis(folder) as redis_url:
        upstream = {"OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream_process.openai_url}
        limits = {"MAX_SESSIONS_PER_USER": "200", "MAX_SESSIONS": "200", "MAX_LOOP_LAG_MS": "60000"}
        started = Servers(folder, {**upstream, **limits, "REDIS_URL": redis_url}, count)
        started.start_all()
        try:
            yield started
        finally:
            started.stop_all()
