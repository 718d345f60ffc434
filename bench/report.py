"""The tables of a run: printed as they come, and written as one page of Markdown."""

import os
import platform
import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.bars import HEAD, judge_bars
from bench.figures import Result, format_table
from bench.frames import PAGE, Frames

ABOUT = """# Benchmark

One core runs the server under test and nothing else; the emulated providers, Postgres and the callers share the others.
The callers stream a person's voice in real time, {frames}.

The providers (`tests/upstream`) answer with fixed delays: speech to text 350 ms (streamed: partials 100 ms behind the
audio, final 100 ms after the commit), the model's first token after 350 ms and one each 15 ms, speech after 200 ms at 8
times real time. They know what was said by marks in the lowest bit of the samples (`bench/marks.py`), so that every
server gets the same words. Pipecat runs its quickstart pipeline with its defaults (`bench/pipecat/bot.py`), and gets as
many milliseconds a frame in its own protobuf. All figures of a page are of one run.

- Voice-to-voice: from the last sample of the user's speech to the first audible sample of the reply at the caller.
- Own overhead: of that, what passed between a provider's result, or the sample that decided the endpoint, and the
  server's next step; Pipecat does not say when it decides.
- Begun ahead: turns whose reply the model had begun before the endpoint was confirmed, and how long after it, and after
  the provider's first speech where that came later, the reply was heard.
- Callers late: how far behind time the callers themselves were (p95); no figure is finer than that.
"""


class Report:
    """The tables of one run, and the page that they are written to."""

    def __init__(self, path: Path | None, arguments: Sequence[str], frames: Frames = PAGE) -> None:
        self._path = path
        self._frames = frames
        self._command = shlex.join(["make", "bench", *([f"BENCH={shlex.join(arguments)}"] if arguments else [])])
        self._sections: dict[str, tuple[Sequence[str], list[Sequence[object]]]] = {}
        self._facts: dict[tuple[str, str], float] = {}

    def add(self, title: str, head: Sequence[str], mode: str, result: Result) -> None:
        _, rows = self._sections.setdefault(title, (head, []))
        rows.append([mode, *result.row])
        self._facts |= {(mode, name): value for name, value in result.facts.items()}
        sys.stdout.write(f"\n{title}, {datetime.now(UTC):%H:%M:%S}\n{format_table(head, [[mode, *result.row]])}\n")
        sys.stdout.flush()

    def finish(self, took_sec: float) -> None:
        self._sections["Bars"] = HEAD, judge_bars(self._facts)
        sys.stdout.write("\nBars\n" + format_table(*self._sections["Bars"]) + "\n")
        if self._path:
            self._path.write_text(self._build_page(took_sec))

    def _build_page(self, took_sec: float) -> str:
        load = os.getloadavg()[2]
        run = (
            f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores of {_read_processor_name()}, "
            f"Python {platform.python_version()}, {took_sec / 60:.0f} minutes, "
            f"load average {load:.1f} in the last 15 minutes.\n\n"
            f"    {self._command}\n"
        )
        tables = [f"## {title}\n\n{format_table(head, rows)}\n" for title, (head, rows) in self._sections.items()]
        return "\n".join([ABOUT.format(frames=self._frames.sentence), run, *tables])


def _read_processor_name() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.machine())
