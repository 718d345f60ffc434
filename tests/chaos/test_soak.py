"""Many talk for long: neither memory nor files, tasks or connections grow, and nothing fails.

CHAOS_SESSIONS says how many talk at a time, CHAOS_MINUTES for how long, and CHAOS_WORKERS with how many processes. They
have a Redis in common.
"""

import asyncio
import logging
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.figures import format_table
from tests.support.chaos.caller import REPLIES, TRANSCRIPTS, Caller
from tests.support.chaos.holdings import HEAD, SPEECH_KEYS, Sample, list_processes, measure_growth, take_sample
from tests.support.chaos.verdict import judge
from tests.support.live import Site, run_redis, run_site
from tests.support.official_client import synthesize_speech
from tests.upstream.fixtures import Upstream
from voiceproject.local import embedded_postgres

log = logging.getLogger(__name__)
pytestmark = pytest.mark.timeout(0)

SESSIONS = int(os.environ.get("CHAOS_SESSIONS", "50"))
MINUTES = float(os.environ.get("CHAOS_MINUTES", "30"))
WORKERS = int(os.environ.get("CHAOS_WORKERS", "2"))
FIRST_SEC = min(300.0, MINUTES * 60 / 3)  # of the time, in which what is loaded once is loaded
MOST_SPEECH_KEYS = 2 * 64_000_000 // 196_000  # two kinds in SPEECH_CACHE_MB
TURNS = 15  # of a conversation, after which its caller hangs up and another one comes
EVERY_SEC = 5.0  # between two samples
REST_SEC = 3.0  # of a caller, between two turns


@dataclass(frozen=True)
class Running:
    """A site that tells what it holds, and what stands behind it."""

    site: Site
    redis_url: str
    probe: Path
    key: str


@pytest.fixture
def running(folder: Path, upstream_process: Upstream) -> Iterator[Running]:
    (probe := folder / "probe").mkdir()
    env = {
        "OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream_process.openai_url, "PROBE_DIR": str(probe),
        "WORKERS": str(WORKERS), "SPOOL_DIR": str(folder / "spool"),
        "MAX_SESSIONS": "1000", "MAX_SESSIONS_PER_USER": "1000", "MAX_LOOP_LAG_MS": "60000",
    }  # fmt: skip
    url = embedded_postgres.start(folder / "postgres", {"fsync": "off"})
    command = ("-m", "tests.support.chaos.probed_site", "run")
    with run_redis(folder) as redis_url, run_site(url, {**env, "REDIS_URL": redis_url}, command=command) as site:
        person = {"DJANGO_SUPERUSER_EMAIL": "soak@example.com", "DJANGO_SUPERUSER_PASSWORD": "correct horse"}
        site.manage("createsuperuser", "--noinput", **person)
        key = site.manage("create_api_key", "soak@example.com").stdout.split()[-1]
        yield Running(site, redis_url, probe, key)


async def test_nothing_grows_and_nothing_fails(running: Running, upstream: Upstream) -> None:
    upstream.script(TRANSCRIPTS, REPLIES)
    utterance = await synthesize_speech("Good morning, can you hear me well?")
    ends_at = time.monotonic() + MINUTES * 60
    finished: list[Caller] = []
    talking = [asyncio.create_task(keep_talking(running, utterance, ends_at, finished)) for _ in range(SESSIONS)]
    samples = await watch(running, ends_at)
    for caller in finished:
        caller.is_over = True
    await asyncio.gather(*talking)
    verdict = await asyncio.to_thread(judge, running.site.database_url, finished)
    ended = sum((one.errors for one in finished), Counter[str]())
    growths = measure_growth([(at, sample) for at, sample in samples if at >= ends_at - MINUTES * 60 + FIRST_SEC])
    turns = sum(one.turns for one in finished)
    seen = len(finished), turns, verdict.told, dict(ended), FIRST_SEC
    log.info("%d conversations, %d turns, %d items told, errors %s; from %.0f s on:", *seen)
    log.info("\n%s", format_table(HEAD, [growth.row for growth in growths]))
    assert not verdict.faults, "\n".join(verdict.faults[:50])
    assert not verdict.recovered
    assert not ended
    assert "Traceback" not in running.site.log
    assert [one.connections for one in finished if one.connections > 1] == []
    assert len(list_processes(sample for _, sample in samples)) == WORKERS
    assert max(sample[SPEECH_KEYS] for _, sample in samples) <= MOST_SPEECH_KEYS
    assert [growth for growth in growths if growth.grown > growth.allowed] == []


async def keep_talking(running: Running, utterance: bytes, ends_at: float, finished: list[Caller]) -> None:
    """Hold one conversation after the other."""
    while time.monotonic() < ends_at:
        caller = Caller(running.key, utterance, lambda: running.site.ws_url, pace=1.0, rest_sec=REST_SEC, turns=TURNS)
        finished.append(caller)
        await caller.talk()


async def watch(running: Running, ends_at: float) -> list[tuple[float, Sample]]:
    """Return samples with the times at which they were taken."""
    samples: list[tuple[float, Sample]] = []
    while time.monotonic() < ends_at:
        await asyncio.sleep(EVERY_SEC)
        sample = await asyncio.to_thread(take_sample, running.probe, running.site.database_url, running.redis_url)
        samples.append((time.monotonic(), sample))
        log.info("%s", sample)
    return samples
