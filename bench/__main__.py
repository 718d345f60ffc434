"""`python -m bench`: run the benchmark, print its tables, and write them as Markdown."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import uvloop

from bench import admission, barge_in, cost, cut_offs, interruptions, latency, server_process, sites
from bench.frames import KINDS, PAGE
from bench.report import Report
from bench.sites import BASELINE, FILE, LOCAL, PIPECAT, STREAMING, Mode, Site

PARTS = ("latency", "barge-in", "interruptions", "cut-offs", "cost", "admission")
MODES = {"file": FILE, "streaming": STREAMING, "baseline": BASELINE, "local": LOCAL, "pipecat": PIPECAT}
SERVERS_OF = {  # those of a part that not all take
    "barge-in": (FILE, STREAMING, PIPECAT),
    "interruptions": (FILE, PIPECAT),
    "cut-offs": (FILE, STREAMING, PIPECAT),
    "cost": (FILE, PIPECAT),
}
QUICK_SERVERS = ("file", "pipecat")
PIPECAT_SESSIONS = 20  # the most: it answers after many seconds then
LOCAL_SESSIONS = 1  # of speech models on two cores, which the callers use too
TURNS = {1: 8, 10: 5}  # of each session; with more sessions, few


def main() -> None:
    arguments = _parse_arguments()
    server_process.leave_server_core()
    frames = KINDS[arguments.frames]
    report = Report(arguments.write, sys.argv[1:], frames)
    started_at = time.monotonic()
    with sites.run_upstream() as upstream:
        for name in arguments.servers:
            with sites.run_server(MODES[name], upstream) as site:
                uvloop.run(measure(replace(site, frames=frames), arguments, report))
    if "cost" in arguments.only and "file" in arguments.servers:
        with sites.run_upstream("--at-once") as upstream, sites.run_server(FILE, upstream) as site:
            uvloop.run(measure_memory(site, arguments.quick, report))
    if "admission" in arguments.only and "file" in arguments.servers:
        with sites.run_upstream() as upstream, admission.run_full_site(upstream) as site:
            uvloop.run(measure_admission(replace(site, frames=frames), report))
    report.finish(time.monotonic() - started_at)


async def measure(site: Site, arguments: argparse.Namespace, report: Report) -> None:
    mode, quick = site.mode, arguments.quick
    await latency.warm_up(site)
    base_mb = latency.read_memory_mb(site)
    parts = [part for part in arguments.only if mode in SERVERS_OF.get(part, MODES.values())]
    if "cost" in parts:  # first, for memory once used is used again
        found = await cost.measure_silence(site, _limit_sessions([50], mode)[0], 5 if quick else 20)
        report.add("Listening to silence", cost.SILENCE_HEAD, mode.name, found)
    if "latency" in parts:
        for sessions in _limit_sessions(arguments.sessions, mode):
            run = await latency.run(site, sessions, 3 if quick else TURNS.get(sessions, 3), base_mb)
            report.add("Latency", latency.HEAD, mode.name, latency.build_result(run))
    if "barge-in" in parts:
        for listens_sec in (barge_in.EARLY_SEC, barge_in.LATE_SEC)[: 1 if quick else 2]:
            found = await barge_in.run(
                site, sessions=5 if quick else 10, times=1 if quick else 2, listens_sec=listens_sec
            )
            report.add("Barge-in", barge_in.HEAD, mode.name, found)
    if "interruptions" in parts:
        found = await interruptions.run(site, sessions=12, each=3 if quick else 1)
        report.add("False interruptions", interruptions.HEAD, mode.name, found)
    if "cut-offs" in parts:
        found = await cut_offs.run(site, sessions=10 if mode is PIPECAT else 22, each=4 if quick else 1)
        report.add("Cut-offs", cut_offs.HEAD, mode.name, found)


async def measure_memory(site: Site, quick: bool, report: Report) -> None:
    title, head, name = "Memory", cost.MEMORY_HEAD, site.mode.name
    report.add(title, head, name, await cost.measure_turns(site, 50 if quick else 200))
    report.add(title, head, name, await cost.measure_openings(site, 400 if quick else 2000))


async def measure_admission(site: Site, report: Report) -> None:
    await latency.warm_up(site)
    for kind in admission.KINDS:
        found = await admission.run(site, kind)
        report.add("Newcomers at a full server", admission.HEAD, site.mode.name, found)


def _limit_sessions(sessions: Sequence[int], mode: Mode) -> list[int]:
    """Return the numbers of sessions that a mode can serve, or that show what the baseline is there for."""
    most = {PIPECAT: PIPECAT_SESSIONS, BASELINE: 10, LOCAL: LOCAL_SESSIONS}.get(mode, max(sessions))
    return sorted({min(number, most) for number in sessions})


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few of everything, six minutes")
    parser.add_argument(
        "--sessions", type=_parse_numbers, metavar="N,N", help="sessions at once (1,10,50,100; quick: 1,10)"
    )
    parser.add_argument(
        "--only", type=_build_names_parser(PARTS), default=PARTS, metavar="NAME,NAME", help=", ".join(PARTS)
    )
    parser.add_argument("--servers", type=_build_names_parser(tuple(MODES)), metavar="NAME,NAME",
                        help=", ".join(MODES))  # fmt: skip
    parser.add_argument(
        "--frames", choices=KINDS, default=PAGE.name, help=f"of the callers' microphones ({PAGE.name}, as the page's)"
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="the page of Markdown")
    arguments = parser.parse_args()
    arguments.sessions = arguments.sessions or ([1, 10] if arguments.quick else [1, 10, 50, 100])
    arguments.servers = arguments.servers or (QUICK_SERVERS if arguments.quick else tuple(MODES))
    if max(arguments.sessions) > sites.CALLERS - 10:
        parser.error(f"at most {sites.CALLERS - 10} sessions")
    return arguments


def _parse_numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _build_names_parser(known: Sequence[str]) -> Callable[[str], list[str]]:
    def names(text: str) -> list[str]:
        found = text.split(",")
        if unknown := set(found) - set(known):
            raise argparse.ArgumentTypeError(f"there is no {', '.join(sorted(unknown))}")
        return found

    return names


if __name__ == "__main__":
    main()
