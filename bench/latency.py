"""Voice-to-voice latency, the server's own share of it, and what a session costs, at several numbers of sessions."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.figures import Result, compute_percentile, format_ms, format_percentiles
from bench.overhead import Providers, Share
from bench.sites import Site
from bench.speech import load_prompts
from bench.turns import Turn, hold_conversations

WARM_UP = 1  # sessions before the first that counts


@dataclass(frozen=True, slots=True)
class Run:
    """What one run measured: `cpu` in percent of a core a session, `mb` a session over the server without any."""

    sessions: int
    turns: list[Turn]
    shares: list[Share]
    cpu: float
    mb: float
    lateness_sec: float  # of the callers themselves, p95: above it no figure is finer
    asked: int

    @property
    def latencies(self) -> list[float]:
        return [turn.latency_sec for turn in self.turns if turn.latency_sec is not None]

    @property
    def overheads(self) -> list[float]:
        return [share.overhead_sec for share in self.shares]

    @property
    def ahead(self) -> list[Share]:
        return [share for share in self.shares if share.hit]

    @property
    def cut_off(self) -> int:
        return sum(turn.was_cut_off for turn in self.turns)


async def warm_up(site: Site) -> None:
    await hold_conversations([site.build_caller(100 + number) for number in range(WARM_UP)], load_prompts(), 1)


async def run(site: Site, sessions: int, turns: int, base_mb: float) -> Run:
    callers = [site.build_caller(number) for number in range(sessions)]
    site.upstream.forget()
    began_at, cpu_sec = time.monotonic(), read_cpu_sec(site)
    full_mb: list[float] = []
    taken = await hold_conversations(callers, load_prompts(), turns, lambda: full_mb.append(read_memory_mb(site)))
    spent = (read_cpu_sec(site) - cpu_sec) / (time.monotonic() - began_at)
    providers = Providers(site.upstream)
    shares = [share for turn in taken if (share := providers.compute_share(turn))]
    lateness = compute_percentile(np.concatenate([caller.lateness_sec or [0.0] for caller in callers]), 95)
    mb = (full_mb[0] - base_mb) / sessions
    return Run(sessions, taken, shares, 100 * spent / sessions, mb, lateness, sessions * turns)


def read_cpu_sec(site: Site) -> float:
    """Return how many seconds of CPU the server has used."""
    fields = Path(f"/proc/{site.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def read_memory_mb(site: Site) -> float:
    """Return the server's resident memory in MB."""
    return int(Path(f"/proc/{site.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def build_result(run: Run) -> Result:
    at = f"at {run.sessions}"
    row = [
        run.sessions,
        f"{len(run.latencies)} of {run.asked}",
        *format_percentiles(run.latencies),
        *format_percentiles(run.overheads),
        len(run.ahead),
        format_ms(compute_percentile((share.after_endpoint_sec for share in run.ahead), 50)),
        format_ms(compute_percentile((share.held_sec for share in run.ahead), 50)),
        f"{run.cpu:.1f}",
        f"{run.mb:.1f}",
        run.cut_off,
        format_ms(run.lateness_sec),
    ]
    facts = {
        f"latency p50 {at}": compute_percentile(run.latencies, 50) * 1000,
        f"latency p95 {at}": compute_percentile(run.latencies, 95) * 1000,
        f"overhead p50 {at}": compute_percentile(run.overheads, 50) * 1000,
        f"overhead p95 {at}": compute_percentile(run.overheads, 95) * 1000,
        f"held p50 {at}": compute_percentile((share.held_sec for share in run.ahead), 50) * 1000,
        f"cpu {at}": run.cpu,
    }
    return Result(row, facts)


HEAD = ("server", "sessions", "answered", "voice-to-voice p50 ms", "p95", "p99", "own overhead p50 ms", "p95", "p99",
        "begun ahead", "then first audio after endpoint p50 ms", "and after first speech p50 ms",
        "CPU % a session", "MB a session", "cut off", "callers late ms")  # fmt: skip
