"""One site after the other is stopped and started anew while people talk: no turn is lost, and nobody waits for long.

CHAOS_RESTARTS says how often that is done, and CHAOS_SESSIONS how many talk.
"""

import asyncio
import logging
import os

import pytest

from tests.support.chaos.caller import REPLIES, TRANSCRIPTS, Caller
from tests.support.chaos.servers import Servers
from tests.support.chaos.verdict import judge
from tests.support.official_client import synthesize_speech
from tests.upstream.fixtures import Upstream

log = logging.getLogger(__name__)
pytestmark = pytest.mark.timeout(0)
RESTARTS = int(os.environ.get("CHAOS_RESTARTS", "8"))
SESSIONS = int(os.environ.get("CHAOS_SESSIONS", "50"))
SILENCE_SEC = 2.0
APART_SEC = 3.0


async def test_no_turn_is_lost(servers: Servers, upstream: Upstream) -> None:
    upstream.script(TRANSCRIPTS, REPLIES)
    key = servers.make_key()
    utterance = await synthesize_speech("Good morning, can you hear me well?")
    callers = [Caller(key, utterance, servers.choose_url, pace=1.0, rest_sec=1.0) for _ in range(SESSIONS)]
    talking = [asyncio.create_task(caller.talk()) for caller in callers]
    for turn in range(RESTARTS):
        await asyncio.sleep(APART_SEC)
        await asyncio.to_thread(servers.restart_web, turn % 2)
        log.info("restart %d of %d: %d turns", turn + 1, RESTARTS, sum(caller.turns for caller in callers))
    for caller in callers:
        caller.is_over = True
    await asyncio.gather(*talking)
    verdict = await asyncio.to_thread(judge, servers.url, callers)
    gaps_sec = [sec for caller in callers for sec in caller.gaps_sec]
    unanswered = [kinds for caller in callers for kinds in caller.unanswered]
    log.info("%d restarts, %d items told, %d connections moved, the longest silence %.1f s, %d turns lost",
             RESTARTS, verdict.told, len(gaps_sec), max(gaps_sec, default=0.0), len(unanswered))  # fmt: skip
    assert not verdict.faults, "\n".join(verdict.faults)
    assert gaps_sec
    assert not servers.tracebacks, servers.tracebacks[0][-5_000:]
    assert not unanswered
    assert max(gaps_sec) < SILENCE_SEC
