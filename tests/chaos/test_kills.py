"""`kill -9` at random moments, of web processes and of Postgres, under load: nothing that was told is lost or doubled.

CHAOS_KILLS says how many kills, CHAOS_CALLERS how many talk meanwhile. One of each of two pairs of web processes, and
Postgres, are killed side by side, each as soon as it is up again: so there are moments at which all three are away.
"""

import asyncio
import logging
import os
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest

from tests.support.chaos.caller import REPLIES, TRANSCRIPTS, Caller
from tests.support.chaos.chance import CHANCE, SEED
from tests.support.chaos.servers import Servers
from tests.support.chaos.verdict import count_live, judge
from tests.support.official_client import synthesize_speech
from tests.upstream.fixtures import Upstream

log = logging.getLogger(__name__)
pytestmark = pytest.mark.timeout(0)
SITES = 4

KILLS = int(os.environ.get("CHAOS_KILLS", "200"))
CALLERS = int(os.environ.get("CHAOS_CALLERS", "8"))
LIVE_SEC = 60.0  # after that no conversation of a killed process may be said to be live
MOST_SEC = 2.0  # between two kills of web processes of a pair, of which one is always up
MOST_POSTGRES_SEC = 8.0  # between two of Postgres, which is up again sooner
Kill = tuple[str, Callable[[], object]]


def list_lanes(servers: Servers) -> list[tuple[int, float, list[Kill]]]:
    """Return what is killed side by side: how often, seconds between two at most, and what of it in turn."""
    web: list[Kill] = [(f"web {number}", partial(servers.kill_web, number)) for number in range(SITES)]
    postgres: list[Kill] = [("postgres", servers.kill_postgres), ("backend", servers.kill_backend)]
    quarter = KILLS // 4
    return [
        (quarter, MOST_SEC, web[:2]), (quarter, MOST_SEC, web[2:]), (KILLS - 2 * quarter, MOST_POSTGRES_SEC, postgres),
    ]  # fmt: skip


async def kill_in_turn(times: int, most_sec: float, kills: list[Kill], callers: list[Caller]) -> None:
    """Kill something so often, each time once all before in this lane is up again."""
    for turn in range(times):
        await asyncio.sleep(CHANCE.uniform(0, most_sec))
        name, kill = kills[turn % len(kills)]
        await asyncio.to_thread(kill)
        told = sum(len(caller.told) for caller in callers)
        log.info("%s killed, number %d of %d: %d items told", name, turn + 1, times, told)


@pytest.fixture
def count() -> int:
    return SITES


async def test_nothing_that_was_told_is_lost_or_doubled(servers: Servers, upstream: Upstream) -> None:
    log.info("CHAOS_SEED=%s", SEED)
    key = servers.make_key()
    upstream.script(TRANSCRIPTS, REPLIES)
    utterance = await synthesize_speech("Good morning, can you hear me well?")
    callers = [Caller(key, utterance, servers.choose_url) for _ in range(CALLERS)]
    talking = [asyncio.create_task(caller.talk()) for caller in callers]
    began_at = time.monotonic()
    await asyncio.gather(*(kill_in_turn(*lane, callers) for lane in list_lanes(servers)))
    log.info("%d kills in %.0f s", KILLS, time.monotonic() - began_at)
    turns = {caller: caller.turns for caller in callers}
    await wait_for_turns(callers, turns)
    for caller in callers:
        caller.is_over = True
    await asyncio.gather(*talking)
    ended_at = time.monotonic()
    while await asyncio.to_thread(count_live, servers.url) or list(servers.spool.glob("*.utterance")):
        assert time.monotonic() - ended_at < LIVE_SEC
        await asyncio.sleep(0.5)
    verdict = await asyncio.to_thread(judge, servers.url, callers)
    seen = KILLS, verdict.told, verdict.recovered, time.monotonic() - ended_at
    log.info("%d kills, %d items told, %d utterances recovered, none live after %.0f s", *seen)
    gaps_sec = sorted(sec for caller in callers for sec in caller.gaps_sec)
    errors = sum((caller.errors for caller in callers), Counter[str]())
    log.info("%s; a gap of %.1f s, the longest %.1f s", dict(errors), gaps_sec[len(gaps_sec) // 2], gaps_sec[-1])
    assert verdict.told > CALLERS
    assert not verdict.faults, "\n".join(verdict.faults)
    assert not servers.tracebacks, servers.tracebacks[0][-5_000:]


async def wait_for_turns(callers: list[Caller], before: dict[Caller, int]) -> None:
    """Wait until each conversation has gone on."""
    async with asyncio.timeout(120):
        while any(caller.turns <= before[caller] for caller in callers):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
