"""Voice-to-voice latency, the server's own share of it, and what a session costs, at several numbers of sessions."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.figures import Result, ms, percentile, spread
from bench.overhead import Providers, Share
from bench.sites import Site
from bench.speech import prompts
from bench.turns import Turn, converse

WARM_UP = 1  # sessions before the first that counts


@dataclass(frozen=True, slots=True)
class Run:
    """`cpu` in percent of the core a session; `mb` a session over the server without any."""

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
    await converse([site.caller(100 + number) for number in range(WARM_UP)], prompts(), 1)


async def run(site: Site, sessions: int, turns: int, base_mb: float) -> Run:
    callers = [site.caller(number) for number in range(sessions)]
    site.upstream.forget()
    began_at, cpu_sec = time.monotonic(), cpu(site)
    full_mb: list[float] = []
    taken = await converse(callers, prompts(), turns, lambda: full_mb.append(memory_mb(site)))
    spent = (cpu(site) - cpu_sec) / (time.monotonic() - began_at)
    providers = Providers(site.upstream)
    shares = [share for turn in taken if (share := providers.share(turn))]
    lateness = percentile(np.concatenate([caller.lateness_sec or [0.0] for caller in callers]), 95)
    mb = (full_mb[0] - base_mb) / sessions
    return Run(sessions, taken, shares, 100 * spent / sessions, mb, lateness, sessions * turns)


def cpu(site: Site) -> float:
    """Seconds of it that the server has used."""
    fields = Path(f"/proc/{site.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(site: Site) -> float:
    """Resident."""
    return int(Path(f"/proc/{site.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def result(run: Run) -> Result:
    at = f"at {run.sessions}"
    row = [
        run.sessions,
        f"{len(run.latencies)} of {run.asked}",
        *spread(run.latencies),
        *spread(run.overheads),
        len(run.ahead),
        ms(percentile((share.after_endpoint_sec for share in run.ahead), 50)),
        ms(percentile((share.held_sec for share in run.ahead), 50)),
        f"{run.cpu:.1f}",
        f"{run.mb:.1f}",
        run.cut_off,
        ms(run.lateness_sec),
    ]
    facts = {
        f"latency p50 {at}": percentile(run.latencies, 50) * 1000,
        f"latency p95 {at}": percentile(run.latencies, 95) * 1000,
        f"overhead p50 {at}": percentile(run.overheads, 50) * 1000,
        f"overhead p95 {at}": percentile(run.overheads, 95) * 1000,
        f"held p50 {at}": percentile((share.held_sec for share in run.ahead), 50) * 1000,
        f"cpu {at}": run.cpu,
    }
    return Result(row, facts)


HEAD = ("server", "sessions", "answered", "voice-to-voice p50 ms", "p95", "p99", "own overhead p50 ms", "p95", "p99",
        "begun ahead", "then first audio after endpoint p50 ms", "and after first speech p50 ms",
        "CPU % a session", "MB a session", "cut off", "callers late ms")  # fmt: skip
