"""What sessions cost while nobody speaks, and whether memory stays flat."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from websockets.asyncio.client import ClientConnection, connect

from bench.caller import calling, marked
from bench.figures import Result
from bench.latency import cpu, memory_mb
from bench.sites import Site, caller_name
from bench.speech import prompts

SETTLE_SEC = 3.0
MANUAL = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
BRIEFLY = {"type": "response.create", "response": {"max_output_tokens": 6}}  # longer ones are paced
AT_ONCE = 20
SILENCE_HEAD = ("server", "sessions", "seconds", "CPU % a session", "MB a session")
MEMORY_HEAD = ("server", "what", "MB before", "MB after", "growth in MB")


async def silence(site: Site, sessions: int, seconds: float) -> Result:
    """All of them listen to the noise of a room, 40 ms frames."""
    base_mb, idle = memory_mb(site), await _spent(site, SETTLE_SEC)
    async with AsyncExitStack() as lines:
        for number in range(sessions):
            await lines.enter_async_context(calling(site.caller(number)))
        await asyncio.sleep(SETTLE_SEC)
        spent = await _spent(site, seconds)
        mb = memory_mb(site) - base_mb
    percent = 100 * (spent / seconds - idle / SETTLE_SEC) / sessions
    row = [sessions, f"{seconds:.0f}", f"{percent:.2f}", f"{mb / sessions:.2f}"]
    return Result(row, {"silence cpu": percent, "silence mb": mb / sessions})


async def _spent(site: Site, seconds: float) -> float:
    before = cpu(site)
    await asyncio.sleep(seconds)
    return cpu(site) - before


async def turns(site: Site, count: int) -> Result:
    """Of one session, as fast as they go: audio sent at once and committed by hand. The first tenth warms up."""
    async with _connected(site, 0) as socket:
        await socket.send(json.dumps({"type": "session.update", "session": MANUAL}))
        for _ in range(count // 10):
            await _turn(socket)
        before = memory_mb(site)
        for _ in range(count):
            await _turn(socket)
        after = memory_mb(site)
    return _grown("turns", f"{count} turns of one session", before, after)


async def _turn(socket: ClientConnection) -> None:
    await socket.send(marked(prompts()[3], 24_000).tobytes())
    await socket.send(json.dumps({"type": "input_audio_buffer.commit"}))
    await socket.send(json.dumps(BRIEFLY))
    async with asyncio.timeout(60):
        while json.loads(await socket.recv())["type"] != "response.done":
            pass


async def openings(site: Site, count: int) -> Result:
    """Sessions opened and closed, some at a time. The first tenth warms up."""
    await _open_and_close(site, count // 10)
    before = memory_mb(site)
    await _open_and_close(site, count)
    await asyncio.sleep(SETTLE_SEC)
    return _grown("openings", f"{count:,} sessions opened and closed", before, memory_mb(site))


async def _open_and_close(site: Site, count: int) -> None:
    async def one_after_the_other(number: int) -> None:
        for _ in range(count // AT_ONCE):
            async with _connected(site, number) as socket:
                await socket.recv()

    await asyncio.gather(*(one_after_the_other(number) for number in range(AT_ONCE)))


@asynccontextmanager
async def _connected(site: Site, number: int) -> AsyncIterator[ClientConnection]:
    headers = {"Authorization": f"Bearer {site.keys[caller_name(number)]}"}
    url = f"{site.url.replace('http', 'ws', 1)}/v1/realtime?assistant={site.mode.assistant}"
    async with connect(url, additional_headers=headers, compression=None, max_size=None) as socket:
        yield socket


def _grown(over: str, what: str, before: float, after: float) -> Result:
    return Result([what, f"{before:.1f}", f"{after:.1f}", f"{after - before:.1f}"], {f"mb over {over}": after - before})
