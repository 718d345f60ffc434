"""Newcomers at a server that is full, as it is shipped: are they told at once, and do those who talk notice?"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

from websockets import ConnectionClosed, connect

from bench.figures import Result, compute_percentile, format_ms, format_percentiles
from bench.sites import FILE, Site, Upstream, build_caller_name, run_site
from bench.speech import load_prompts
from bench.turns import TURN_SEC, hold_conversations

SESSIONS = 40  # the default of MAX_SESSIONS
TURNS = 3
AS_SHIPPED: Mapping[str, str] = {"MAX_SESSIONS": str(SESSIONS), "MAX_LOOP_LAG_MS": "250"}
KNOCK_SEC = 0.5
FIRST_NEWCOMER = 60


@dataclass(frozen=True, slots=True)
class Knock:
    """How many seconds a newcomer waited for the answer, and which it was: an error's code, or an event's type."""

    waited_sec: float
    answer: str
    close_code: int | None


@contextmanager
def run_full_site(upstream: Upstream) -> Iterator[Site]:
    with run_site(FILE, upstream, AS_SHIPPED) as site:
        yield site


async def run(site: Site, with_newcomers: bool) -> Result:
    callers = [site.build_caller(number) for number in range(SESSIONS)]
    knocks: list[Knock] = []
    async with _let_newcomers_knock(site, knocks) if with_newcomers else _keep_newcomers_away():
        turns = await hold_conversations(callers, load_prompts(), TURNS)
    latencies = [turn.latency_sec for turn in turns if turn.latency_sec is not None]
    waited = [knock.waited_sec for knock in knocks]
    busy = [knock for knock in knocks if (knock.answer, knock.close_code) == ("server_busy", 1013)]
    row = [
        len(knocks),
        len(busy),
        format_ms(compute_percentile(waited, 50)),
        format_ms(max(waited, default=float("nan"))),
        f"{len(latencies)} of {SESSIONS * TURNS}",
        *format_percentiles(latencies),
    ]
    p95 = compute_percentile(latencies, 95) * 1000
    if not with_newcomers:
        return Result(row, {"p95 alone": p95})
    return Result(row, {"p95 with newcomers": p95, "newcomer waited": max(waited) * 1000})


@asynccontextmanager
async def _keep_newcomers_away() -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def _let_newcomers_knock(site: Site, knocks: list[Knock]) -> AsyncIterator[None]:
    """Let newcomers come while the callers talk, once all callers are connected.

    What each newcomer was answered is added to `knocks`.
    """

    async def come() -> None:
        await asyncio.sleep(TURN_SEC + 1)
        for number in range(FIRST_NEWCOMER, FIRST_NEWCOMER + SESSIONS):
            knocks.append(await _knock(site, build_caller_name(number)))
            await asyncio.sleep(KNOCK_SEC)

    newcomers = asyncio.create_task(come())
    try:
        yield
    finally:
        newcomers.cancel()
        with suppress(asyncio.CancelledError):
            await newcomers


async def _knock(site: Site, name: str) -> Knock:
    url = site.url.replace("http", "ws", 1) + "/v1/realtime"
    began_at = time.monotonic()
    async with connect(url, additional_headers={"Authorization": f"Bearer {site.keys[name]}"}) as socket:
        event = json.loads(await socket.recv())
        waited_sec = time.monotonic() - began_at
        if event["type"] != "error":
            return Knock(waited_sec, event["type"], None)
        with suppress(ConnectionClosed):
            await socket.recv()
        return Knock(waited_sec, event["error"]["code"], socket.close_code)


HEAD = ("server", "newcomers", "told that it is busy", "after p50 ms", "at the most",
        "answered of those who talk", "voice-to-voice p50 ms", "p95", "p99")  # fmt: skip
