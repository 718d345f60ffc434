"""What sessions cost while nobody speaks, and whether memory stays flat."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from websockets.asyncio.client import ClientConnection, connect

from bench.caller import mark_utterance, open_call
from bench.figures import Result
from bench.latency import read_cpu_sec, read_memory_mb
from bench.sites import Site, build_caller_name
from bench.speech import load_prompts

SETTLE_SEC = 3.0
MANUAL = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
BRIEFLY = {"type": "response.create", "response": {"max_output_tokens": 6}}  # longer ones are paced
AT_ONCE = 20
SILENCE_HEAD = ("server", "sessions", "seconds", "CPU % a session", "MB a session")
MEMORY_HEAD = ("server", "what", "MB before", "MB after", "growth in MB")


async def measure_silence(site: Site, sessions: int, seconds: float) -> Result:
    """Measure CPU and memory while all sessions listen to the noise of a room."""
    base_mb, idle = read_memory_mb(site), await _measure_cpu_sec(site, SETTLE_SEC)
    async with AsyncExitStack() as lines:
        for number in range(sessions):
            await lines.enter_async_context(open_call(site.build_caller(number)))
        await asyncio.sleep(SETTLE_SEC)
        spent = await _measure_cpu_sec(site, seconds)
        mb = read_memory_mb(site) - base_mb
    percent = 100 * (spent / seconds - idle / SETTLE_SEC) / sessions
    row = [sessions, f"{seconds:.0f}", f"{percent:.2f}", f"{mb / sessions:.2f}"]
    return Result(row, {"silence cpu": percent, "silence mb": mb / sessions})


async def _measure_cpu_sec(site: Site, seconds: float) -> float:
    before = read_cpu_sec(site)
    await asyncio.sleep(seconds)
    return read_cpu_sec(site) - before


async def measure_turns(site: Site, count: int) -> Result:
    """Measure the memory that grows over turns of one session, which are sent at once and committed by hand.

    A tenth as many turns warm the server up first.
    """
    async with _connect_socket(site, 0) as socket:
        await socket.send(json.dumps({"type": "session.update", "session": MANUAL}))
        for _ in range(count // 10):
            await _take_turn(socket)
        before = read_memory_mb(site)
        for _ in range(count):
            await _take_turn(socket)
        after = read_memory_mb(site)
    return _build_growth_result("turns", f"{count} turns of one session", before, after)


async def _take_turn(socket: ClientConnection) -> None:
    await socket.send(mark_utterance(load_prompts()[3], 24_000).tobytes())
    await socket.send(json.dumps({"type": "input_audio_buffer.commit"}))
    await socket.send(json.dumps(BRIEFLY))
    async with asyncio.timeout(60):
        while json.loads(await socket.recv())["type"] != "response.done":
            pass


async def measure_openings(site: Site, count: int) -> Result:
    """Measure the memory that grows while sessions are opened and closed, AT_ONCE at a time.

    A tenth as many sessions warm the server up first.
    """
    await _open_and_close(site, count // 10)
    before = read_memory_mb(site)
    await _open_and_close(site, count)
    await asyncio.sleep(SETTLE_SEC)
    return _build_growth_result("openings", f"{count:,} sessions opened and closed", before, read_memory_mb(site))


async def _open_and_close(site: Site, count: int) -> None:
    async def one_after_the_other(number: int) -> None:
        for _ in range(count // AT_ONCE):
            async with _connect_socket(site, number) as socket:
                await socket.recv()

    await asyncio.gather(*(one_after_the_other(number) for number in range(AT_ONCE)))


@asynccontextmanager
async def _connect_socket(site: Site, number: int) -> AsyncIterator[ClientConnection]:
    headers = {"Authorization": f"Bearer {site.keys[build_caller_name(number)]}"}
    url = f"{site.url.replace('http', 'ws', 1)}/v1/realtime?assistant={site.mode.assistant}"
    async with connect(url, additional_headers=headers, compression=None, max_size=None) as socket:
        yield socket


def _build_growth_result(over: str, what: str, before: float, after: float) -> Result:
    return Result([what, f"{before:.1f}", f"{after:.1f}", f"{after - before:.1f}"], {f"mb over {over}": after - before})
