"""Newcomers at a server that is full, as it is shipped: are they told at once, and do those who talk notice?

As many come as there is room for, all at once, and each comes again: as the page does, or every second, as a program
may. Whoever gets in, since somebody has left, sends the noise of a room in small frames of JSON until the end.
"""

import asyncio
import base64
import json
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import numpy as np
from websockets import ConnectionClosed, connect
from websockets.asyncio.client import ClientConnection

from bench.caller import NOISE_SEC
from bench.figures import Result, compute_percentile, format_ms, format_percentiles
from bench.sites import FILE, Site, Upstream, build_caller_name, run_site
from bench.speech import RATE, load_prompts, make_room_noise
from bench.turns import TURN_SEC, hold_conversations
from conversations.pcm import BYTES_PER_MS

SESSIONS = 40  # the default of MAX_SESSIONS
TURNS = 5
AS_SHIPPED: Mapping[str, str] = {"MAX_SESSIONS": str(SESSIONS), "MAX_LOOP_LAG_MS": "250"}
FIRST_NEWCOMER = 60
FRAME_MS = 20
OPEN_SEC = 20.0
Patience = Callable[[int], float]  # how many seconds to wait after so many tries


@dataclass(slots=True)
class Newcomers:
    """What newcomers met: how long each try waited for an answer, in seconds, and what kinds of answers there were."""

    waited_sec: list[float] = field(default_factory=list)
    answers: list[tuple[str, int | None]] = field(default_factory=list)  # an error's code, or an event; close code

    @property
    def told_busy(self) -> int:
        return self.answers.count(("server_busy", 1013))

    @property
    def let_in(self) -> int:
        return sum(close_code is None for _, close_code in self.answers)


def wait_as_page(tries: int) -> float:
    """Wait as static/js/reducer/connection.js does where the server is busy."""
    return min(60.0, 10.0 * 1.5 ** (tries - 1)) * (1 + random.random() / 2)  # noqa: S311  not for secrets


def wait_a_second(_: int) -> float:
    return 1.0


# Nobody comes last, when all caches are as warm as they get: that is the strictest to compare to.
KINDS: Mapping[str, Patience | None] = {"as pages": wait_as_page, "every second": wait_a_second, "nobody": None}


@contextmanager
def run_full_site(upstream: Upstream) -> Iterator[Site]:
    with run_site(FILE, upstream, AS_SHIPPED) as site:
        yield site


async def run(site: Site, kind: str) -> Result:
    callers = [site.build_caller(number) for number in range(SESSIONS)]
    met = Newcomers()
    patience = KINDS[kind]
    async with _let_newcomers_come(site, met, patience) if patience else _keep_newcomers_away():
        turns = await hold_conversations(callers, load_prompts(), TURNS)
    latencies = [turn.latency_sec for turn in turns if turn.latency_sec is not None]
    late_sec = compute_percentile(np.concatenate([caller.lateness_sec or [0.0] for caller in callers]), 95)
    longest_sec = max(met.waited_sec, default=float("nan"))
    row = [
        kind,
        len(met.answers),
        met.told_busy,
        met.let_in,
        format_ms(compute_percentile(met.waited_sec, 50)),
        format_ms(longest_sec),
        f"{len(latencies)} of {SESSIONS * TURNS}",
        *format_percentiles(latencies),
        format_ms(late_sec),
    ]
    facts = {f"p95 with {kind}": compute_percentile(latencies, 95) * 1000}
    return Result(row, facts | ({f"{kind} waited": longest_sec * 1000} if patience else {}))


@asynccontextmanager
async def _keep_newcomers_away() -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def _let_newcomers_come(site: Site, met: Newcomers, patience: Patience) -> AsyncIterator[None]:
    """Let newcomers come at once while the callers talk, once all callers are connected."""

    async def come(number: int) -> None:
        await asyncio.sleep(TURN_SEC + 1)
        tries = 0
        while True:
            await _try_to_talk(site, build_caller_name(number), met)
            tries += 1
            await asyncio.sleep(patience(tries))

    newcomers = [asyncio.create_task(come(number)) for number in range(FIRST_NEWCOMER, FIRST_NEWCOMER + SESSIONS)]
    try:
        yield
    finally:
        for newcomer in newcomers:
            newcomer.cancel()
        ends = await asyncio.gather(*newcomers, return_exceptions=True)
    if failures := [end for end in ends if end and not isinstance(end, asyncio.CancelledError)]:
        raise failures[0]


async def _try_to_talk(site: Site, name: str, met: Newcomers) -> None:
    """Connect, note what is answered and when, and talk until the end if there is room."""
    url = site.url.replace("http", "ws", 1) + "/v1/realtime"
    headers = {"Authorization": f"Bearer {site.keys[name]}"}
    began_at = time.monotonic()
    async with connect(url, additional_headers=headers, open_timeout=OPEN_SEC, compression=None) as socket:
        event = json.loads(await socket.recv())
        met.waited_sec.append(time.monotonic() - began_at)
        if event["type"] != "error":
            met.answers.append((event["type"], None))
            await _make_noise(socket)
            return
        try:
            await socket.recv()
        except ConnectionClosed:
            met.answers.append((event["error"]["code"], socket.close_code))


async def _make_noise(socket: ClientConnection) -> None:
    """Send what a microphone hears in a room, in time, until the connection ends or this is cancelled."""
    noise, step = make_room_noise(NOISE_SEC * RATE).tobytes(), FRAME_MS * BYTES_PER_MS
    pieces = (base64.b64encode(noise[start : start + step]).decode() for start in range(0, len(noise), step))
    frames = [json.dumps({"type": "input_audio_buffer.append", "audio": piece}) for piece in pieces]
    due_at = time.monotonic()
    try:
        while True:
            for frame in frames:
                await socket.send(frame)
                due_at += FRAME_MS / 1000
                await asyncio.sleep(max(0.0, due_at - time.monotonic()))
    except ConnectionClosed:
        return


HEAD = ("server", "newcomers", "tries", "told that it is busy", "let in", "after p50 ms", "at the most",
        "answered of those who talk", "voice-to-voice p50 ms", "p95", "p99", "callers late p95 ms")  # fmt: skip
