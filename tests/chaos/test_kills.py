"""`kill -9` at random moments, of web processes and of Postgres, under load: nothing that was told is lost or doubled.

CHAOS_KILLS says how many kills, CHAOS_CALLERS how many talk meanwhile.
"""

import asyncio
import logging
import os
import time
from collections import Counter

import pytest

from tests.support.chaos.caller import REPLIES, TRANSCRIPTS, Caller
from tests.support.chaos.chance import CHANCE, SEED
from tests.support.chaos.servers import Servers
from tests.support.chaos.verdict import count_live, judge
from tests.support.official_client import synthesize_speech
from tests.upstream.fixtures import Upstream

log = logging.getLogger(__name__)
pytestmark = pytest.mark.timeout(0)

KILLS = int(os.environ.get("CHAOS_KILLS", "200"))
CALLERS = int(os.environ.get("CHAOS_CALLERS", "8"))
LIVE_SEC = 60.0  # after that no conversation of a killed process may be said to be live
MOST_SEC = 2.0  # between two kills


def kill_one(servers: Servers, turn: int) -> str:
    """Kill something, and return its name once it is up again. In turn, so that few kills have all kinds."""
    kinds = ("web 0", "postgres", "web 1", "backend")
    kind = kinds[turn % len(kinds)]
    if kind == "postgres":
        servers.kill_postgres()
    elif kind == "backend":
        servers.kill_backend()
    else:
        servers.kill_web(int(kind[-1]))
    return kind


async def test_nothing_that_was_told_is_lost_or_doubled(servers: Servers, upstream: Upstream) -> None:
    log.info("CHAOS_SEED=%s", SEED)
    key = servers.make_key()
    upstream.script(TRANSCRIPTS, REPLIES)
    utterance = await synthesize_speech("Good morning, can you hear me well?")
    callers = [Caller(key, utterance, servers.choose_url) for _ in range(CALLERS)]
    talking = [asyncio.create_task(caller.talk()) for caller in callers]
    for turn in range(KILLS):
        await asyncio.sleep(CHANCE.uniform(0, MOST_SEC))
        kind = await asyncio.to_thread(kill_one, servers, turn)
        told = sum(len(caller.told) for caller in callers)
        log.info("kill %d of %d, %s: %d items told", turn + 1, KILLS, kind, told)
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
