"""`python -m bench.processes`: how many sessions two processes hold, against one, each with a fixed share of a core.

Both processes are on one core, which runs nothing else, and together they may use less than all of it; the callers, the
emulated providers, Postgres, Redis and Caddy have the others. So the second process takes nothing from the first, as on
a machine that has a core for each. The number of sessions is raised step by step until the p95 of the server's own
share of a turn passes each of several limits. The figures are where it passes them, between two steps; all are told,
since what a share of a core takes longer for is in every p95, and how much it is shows only then.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import uvloop

from bench import latency, server_process, sites
from bench.cpu_share import Share, give_share
from bench.figures import compute_percentile, format_ms, format_table
from bench.frames import KINDS, PAGE
from bench.overhead import Providers
from bench.process_cost import read_cpu_sec
from bench.proxy import run_proxy
from bench.speech import load_prompts
from bench.turns import hold_conversations
from voiceproject.local import embedded_redis

LIMITS_MS = [100.0, 150.0, 200.0, 300.0]
MOST_CORES = 0.45  # for each of two
LATE_MS = 20.0  # callers who are behind time by more, p95, are the limit themselves
HEAD = ("setup", "sessions", "answered", "own share p50 ms", "p95", "p99", "voice-to-voice p95 ms",
        "CPU % of a core, each process", "had to wait %", "other cores busy %", "callers late p95 ms")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Setup:
    """So many processes, alone, or with Redis and behind Caddy."""

    name: str
    processes: int
    is_shared: bool


SETUPS = {
    "alone": Setup("1 process, alone", 1, is_shared=False),
    "one": Setup("1 process, Redis, Caddy", 1, is_shared=True),
    "two": Setup("2 processes, Redis, Caddy", 2, is_shared=True),
}


@dataclass(frozen=True, slots=True)
class Running:
    """The processes of a setup, and the address where callers reach them."""

    setup: Setup
    site: sites.Site
    process_ids: Sequence[int]
    shares: Sequence[Share]

    def read_cpu_secs(self) -> list[float]:
        return [read_cpu_sec(process_id) for process_id in self.process_ids]

    def count_throttled(self) -> tuple[int, int]:
        """Return in how many periods the processes had to wait, and in how many they ran."""
        throttled, periods = zip(*(share.count_throttled() for share in self.shares), strict=True)
        return sum(throttled), sum(periods)


@dataclass(frozen=True, slots=True)
class Step:
    """What was measured at one number of sessions; times in ms."""

    sessions: int
    p95_ms: float
    is_late: bool  # the callers themselves were
    row: Sequence[object]


@contextmanager
def run_setup(setup: Setup, upstream: sites.Upstream, cores: float) -> Iterator[Running]:
    with ExitStack() as stack:
        shares = [stack.enter_context(give_share(str(number), cores)) for number in range(setup.processes)]
        env = {**sites.BOUNDLESS, **({"REDIS_URL": embedded_redis.start()} if setup.is_shared else {})}
        found = [
            stack.enter_context(sites.run_site(sites.FILE, upstream, env, name=f"site-{number}"))
            for number in range(setup.processes)
        ]
        for share, site in zip(shares, found, strict=True):
            share.hold(site.pid)
        url = stack.enter_context(run_proxy([site.url for site in found])) if setup.is_shared else found[0].url
        yield Running(setup, replace(found[0], url=url), [site.pid for site in found], shares)


async def measure_step(running: Running, sessions: int, turns: int) -> Step:
    site = running.site
    callers = [site.build_caller(number) for number in range(sessions)]
    site.upstream.forget()
    began_at, cpu_secs, busy = time.monotonic(), running.read_cpu_secs(), read_busy_secs()
    waited, ran = running.count_throttled()
    taken = await hold_conversations(callers, load_prompts(), turns)
    sec = time.monotonic() - began_at
    used = [100 * (now - before) / sec for now, before in zip(running.read_cpu_secs(), cpu_secs, strict=True)]
    others = 100 * (read_busy_secs() - busy) / sec / max(1, len(os.sched_getaffinity(0)))
    waited, ran = (now - before for now, before in zip(running.count_throttled(), (waited, ran), strict=True))
    providers = Providers(site.upstream)
    own = [share.overhead_sec for turn in taken if (share := providers.compute_share(turn))]
    heard = [turn.latency_sec for turn in taken if turn.latency_sec is not None]
    late_sec = compute_percentile(np.concatenate([caller.lateness_sec or [0.0] for caller in callers]), 95)
    p95_sec = compute_percentile(own, 95)
    row = (
        running.setup.name, sessions, f"{len(heard)} of {sessions * turns}", format_ms(compute_percentile(own, 50)),
        format_ms(p95_sec), format_ms(compute_percentile(own, 99)), format_ms(compute_percentile(heard, 95)),
        " and ".join(f"{percent:.0f}" for percent in used), f"{100 * waited / max(1, ran):.0f}",
        f"{others:.0f}", format_ms(late_sec),
    )  # fmt: skip
    return Step(sessions, p95_sec * 1000, late_sec * 1000 > LATE_MS, row)


def read_busy_secs() -> float:
    """Return for how many seconds of CPU the cores that this process may use were busy, all together."""
    fields = (line.split() for line in open("/proc/stat").read().splitlines())  # noqa: SIM115
    cores = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    busy = [sum(map(int, row[1:])) - int(row[4]) - int(row[5]) for row in fields if row[0] in cores]
    return sum(busy) / os.sysconf("SC_CLK_TCK")


async def measure_setup(running: Running, arguments: argparse.Namespace) -> list[Step]:
    """Raise the number of sessions until all limits are passed twice in a row, or the callers are late."""
    await latency.warm_up(running.site)
    steps: list[Step] = []
    processes = running.setup.processes
    for each in range(arguments.start, sites.CALLERS // processes - 10, arguments.step):
        steps.append(await measure_step(running, each * processes, arguments.turns))
        sys.stdout.write(format_table(HEAD, [steps[-1].row]).splitlines()[-1] + "\n")
        sys.stdout.flush()
        if steps[-1].is_late:
            break
        if len(steps) > 1 and min(step.p95_ms for step in steps[-2:]) > max(arguments.limits_ms):
            break
    return steps


def find_capacity(steps: Sequence[Step], limit_ms: float) -> float:
    """Return at how many sessions p95 passes the limit; NaN where it never does, or always is beyond.

    A p95 is noisy, and more sessions are never faster: neighbours that say so are one figure, their mean.
    """
    pools = [([float(step.sessions)], [step.p95_ms]) for step in steps]
    at = 0
    while at + 1 < len(pools):
        (sessions, p95s), (later, more) = pools[at], pools[at + 1]
        if np.mean(p95s) <= np.mean(more):
            at += 1
        else:
            pools[at : at + 2] = [(sessions + later, p95s + more)]
            at = max(0, at - 1)
    points = [(float(np.mean(sessions)), float(np.mean(p95s))) for sessions, p95s in pools]
    for (below, low_ms), (above, high_ms) in pairwise(points):
        if low_ms <= limit_ms < high_ms:
            return below + (above - below) * (limit_ms - low_ms) / (high_ms - low_ms)
    return float("nan")


def main() -> None:
    arguments = _parse_arguments()
    server_process.leave_server_core()
    if arguments.cores > MOST_CORES:
        raise SystemExit(f"Two processes are on one core here: give each at most {MOST_CORES} of it.")
    sys.stdout.write(f"Each process has {arguments.cores:.0%} of a core. {arguments.turns} turns a session.\n")
    sys.stdout.write("\n".join(format_table(HEAD, []).splitlines()) + "\n")
    found: dict[str, list[Step]] = {}
    with sites.run_upstream() as upstream:
        for name in arguments.setups:
            with run_setup(SETUPS[name], upstream, arguments.cores) as running:
                running = replace(running, site=replace(running.site, frames=KINDS[arguments.frames]))
                found[name] = uvloop.run(measure_setup(running, arguments))
            if found[name][-1].is_late:
                sys.stdout.write(f"{SETUPS[name].name}: the callers were late, so they are the limit\n")
    sys.stdout.write("\n" + build_table(found, arguments.limits_ms) + "\n")


def build_table(found: Mapping[str, Sequence[Step]], limits_ms: Sequence[float]) -> str:
    """Return at how many sessions each setup passes each limit, and how many times those of one process that is."""
    rows = []
    for limit_ms in limits_ms:
        capacities = {name: find_capacity(steps, limit_ms) for name, steps in found.items()}
        ratios = [capacities.get("two", float("nan")) / capacities.get(name, float("nan")) for name in ("alone", "one")]
        cells = [f"{capacities.get(name, float('nan')):.1f}" for name in SETUPS]
        rows.append([f"{limit_ms:.0f}", *cells, *(f"{ratio:.2f}" for ratio in ratios)])
    names = [setup.name for setup in SETUPS.values()]
    return format_table(["p95 of the own share, ms", *names, "2 to 1 alone", "2 to 1 with the same"], rows)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.processes", description=__doc__)
    parser.add_argument("--cores", type=float, default=0.4, help="of a core, for each process (0.4)")
    parser.add_argument("--limits-ms", type=float, nargs="+", default=LIMITS_MS, help="of the p95 of the own share")
    parser.add_argument("--start", type=int, default=6, help="sessions a process to begin with (6)")
    parser.add_argument("--step", type=int, default=2, help="sessions a process more, each time (2)")
    parser.add_argument("--turns", type=int, default=5, help="of each session, some 12 s each (5)")
    parser.add_argument("--frames", choices=KINDS, default=PAGE.name, help=f"of the callers ({PAGE.name})")
    parser.add_argument("--setups", nargs="+", choices=SETUPS, default=list(SETUPS), help="which, in this order")
    return parser.parse_args()


if __name__ == "__main__":
    main()
