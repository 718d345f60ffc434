"""Processes that share their metrics: real ones, some of which are killed."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest
from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families

from tests.support.live import ROOT
from voiceproject.metrics import exposition, slots

# What a process does when it is told a line: count so many turns, and set so many sessions.
WORKER = """
import os, sys
from pathlib import Path
from django.conf import settings
settings.configure(METRICS_DIR=os.environ["PROMETHEUS_MULTIPROC_DIR"])
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from voiceproject.metrics import shared, slots
slots.share_if_wanted()
turns = Counter("voiceproject_turns", "Turns.", ["outcome"])
sessions = Gauge("voiceproject_live_sessions", "Sessions.", multiprocess_mode="livesum")
lag = Gauge("voiceproject_lag", "Lag.", multiprocess_mode="liveall")
registry = CollectorRegistry()
registry.register(shared.SharedCollector(Path(settings.METRICS_DIR)))
for line in sys.stdin:
    what, _, number = line.strip().partition(" ")
    if what == "turns":
        for _ in range(int(number)):
            turns.labels("completed").inc()
    if what == "sessions":
        sessions.set(int(number))
    if what == "fork":
        if not os.fork():
            turns.labels("completed").inc()
            os._exit(0)
        os.wait()
    if what == "tell":
        sys.stdout.write(generate_latest(registry).decode())
    print(f"slot {slots.get_slot()}", flush=True)
"""
Worker = subprocess.Popen[str]


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[Callable[[], Worker]]:
    env = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics")}
    workers: list[Worker] = []

    def start() -> Worker:
        command = [sys.executable, "-c", WORKER]
        pipe = subprocess.PIPE
        workers.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=env, cwd=ROOT))
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()
        worker.communicate()


def ask(worker: Worker, line: str) -> tuple[int, str]:
    """Return the worker's slot, and what it told before."""
    told, read = "", get_output(worker)
    assert worker.stdin is not None
    worker.stdin.write(f"{line}\n")
    worker.stdin.flush()
    while not (answer := read.readline()).startswith("slot "):
        assert answer, "the worker has ended"
        told += answer
    return int(answer.split()[1]), told


def get_output(worker: Worker) -> IO[str]:
    assert worker.stdout is not None
    return worker.stdout


def read(worker: Worker) -> dict[tuple[str, ...], float]:
    """Return all samples, by their name and labels."""
    families = text_string_to_metric_families(ask(worker, "tell")[1])
    samples = [sample for family in families for sample in family.samples]
    return {
        (one.name, *(f"{name}={value}" for name, value in sorted(one.labels.items()))): one.value for one in samples
    }


def test_it_works(start_worker: Callable[[], Worker]) -> None:
    first, second = start_worker(), start_worker()
    slot, other = ask(first, "turns 3")[0], ask(second, "turns 4")[0]
    assert {slot, other} == {1, 2}
    ask(first, "sessions 2")
    ask(second, "sessions 5")
    for worker in (first, second):
        found = read(worker)
        assert found["voiceproject_turns_total", "outcome=completed"] == 7
        assert found["voiceproject_live_sessions",] == 7
        assert found["process_resident_memory_bytes", "worker=1"] > 1_000_000
        assert found["process_resident_memory_bytes", "worker=2"] > 1_000_000
        assert not [name for name, *labels in found if any(label.startswith("pid=") for label in labels)]


def test_one_that_is_killed(start_worker: Callable[[], Worker]) -> None:
    """Its sessions are gone at once; its counts stay, and the next process goes on with them, in the same files."""
    lasting, killed = start_worker(), start_worker()
    ask(lasting, "turns 1")
    slot, _ = ask(killed, "turns 10")
    ask(killed, "sessions 5")
    killed.kill()
    killed.wait()
    found = read(lasting)
    assert found["voiceproject_turns_total", "outcome=completed"] == 11
    assert found["voiceproject_live_sessions",] == 0
    assert ("process_resident_memory_bytes", f"worker={slot}") not in found
    heir = start_worker()
    assert ask(heir, "turns 10")[0] == slot
    assert read(heir)["voiceproject_turns_total", "outcome=completed"] == 21


def test_one_that_is_forked_has_a_slot_of_its_own(start_worker: Callable[[], Worker]) -> None:
    worker = start_worker()
    ask(worker, "turns 1")
    slot, _ = ask(worker, "fork")
    ask(worker, "turns 1")
    assert (slot, read(worker)["voiceproject_turns_total", "outcome=completed"]) == (1, 3)


def test_files_have_their_room_before_they_are_mapped(start_worker: Callable[[], Worker], tmp_path: Path) -> None:
    """A full disk would end a process that writes to a page without one."""
    ask(start_worker(), "turns 1")
    files = list((tmp_path / "metrics").glob("*.db"))
    assert sorted(file.name for file in files) == sorted(f"{kind}_1.db" for kind in slots.KINDS)
    for file in files:
        assert file.stat().st_blocks * 512 >= slots.FILE_BYTES


def test_no_slot_is_free(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(slots, "SLOTS", 1)
    _, descriptor = slots._claim(tmp_path)
    with pytest.raises(OSError, match="all 1 slots are held"):
        slots._claim(tmp_path)
    os.close(descriptor)
    os.close(slots._claim(tmp_path)[1])


def test_every_metric_is_of_a_kind_that_has_its_files() -> None:
    ours = [one for one in REGISTRY._collector_to_names if str(getattr(one, "_name", "")).startswith("voiceproject_")]
    assert exposition.render()
    assert len(ours) > 15
    for metric in ours:
        assert isinstance(metric, Counter | Gauge | Histogram)
        if isinstance(metric, Gauge):
            assert f"{slots.GAUGES}{metric._multiprocess_mode}" in slots.KINDS, metric._name
