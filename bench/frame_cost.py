"""`python -m bench.frame_cost`: what a frame costs the server, under one ASGI server and another, side by side.

The callers listen to the noise of a room, so what is measured is the way of a frame into the session and the detection
of speech in it. CPU is the server's own, user and system, over what it takes without callers; so the figure bears a
machine that does other things, too.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace

import numpy as np

from bench import foreign_servers, latency, server_process, sites
from bench.caller import Caller, open_call
from bench.cost import SETTLE_SEC
from bench.figures import Result, compute_percentile, format_ms, format_table
from bench.frames import KINDS
from bench.sites import FILE, Site, Upstream

SHIPPED = ("uvicorn", "daphne")
HEAD = ("ASGI server", "frames", "talkers", "CPU ms a frame", "CPU % of a core", "callers late p95 ms")


def main() -> None:
    arguments = _parse_arguments()
    server_process.leave_server_core()
    rows: list[Sequence[object]] = []
    with sites.run_upstream() as upstream:
        for name in arguments.servers:
            with _run_site(name, upstream) as site:
                asyncio.run(latency.warm_up(site))
                for kind in arguments.frames:
                    for talkers in arguments.talkers:
                        found = asyncio.run(measure(replace(site, frames=KINDS[kind]), talkers, arguments.seconds))
                        rows.append([name, kind, *found.row])
                        sys.stdout.write(f"{rows[-1]}\n")
                        sys.stdout.flush()
    sys.stdout.write(format_table(HEAD, rows) + "\n")


@contextmanager
def _run_site(name: str, upstream: Upstream) -> Iterator[Site]:
    is_shipped = name in SHIPPED
    command = ("manage.py", "run") if is_shipped else ("-m", "bench.foreign_servers", name)
    limits = {**sites.BOUNDLESS, **({"ASGI_SERVER": name} if is_shipped else {})}
    with sites.run_site(FILE, upstream, limits, command) as site:
        yield site


async def measure(site: Site, talkers: int, seconds: float) -> Result:
    """Measure the CPU that frames take while so many callers listen."""
    idle = await _measure_cpu_sec(site, SETTLE_SEC) / SETTLE_SEC
    async with AsyncExitStack() as lines:
        callers = [await lines.enter_async_context(open_call(site.build_caller(number))) for number in range(talkers)]
        await asyncio.sleep(SETTLE_SEC)
        before = _count_frames(callers)
        spent = await _measure_cpu_sec(site, seconds)
        frames = _count_frames(callers) - before
        late = compute_percentile(np.concatenate([one.lateness_sec for one in callers]), 95)
    own = spent - idle * seconds
    return Result([talkers, f"{1000 * own / frames:.3f}", f"{100 * own / seconds:.1f}", format_ms(late)])


async def _measure_cpu_sec(site: Site, seconds: float) -> float:
    before = latency.read_cpu_sec(site)
    await asyncio.sleep(seconds)
    return latency.read_cpu_sec(site) - before


def _count_frames(callers: Sequence[Caller]) -> int:
    return sum(len(caller.lateness_sec) for caller in callers)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.frame_cost", description=__doc__)
    known = (*SHIPPED, *foreign_servers.NAMES)
    parser.add_argument("--servers", type=_build_list_parser(str), default=SHIPPED, help=", ".join(known))
    parser.add_argument("--frames", type=_build_list_parser(str), default=["json-20"], help=", ".join(KINDS))
    parser.add_argument("--talkers", type=_build_list_parser(int), default=[20, 40])
    parser.add_argument("--seconds", type=float, default=10.0)
    return parser.parse_args()


def _build_list_parser(kind: Callable[[str], object]) -> Callable[[str], list[object]]:
    return lambda text: [kind(part) for part in text.split(",")]


if __name__ == "__main__":
    main()
