"""The metrics of all processes of a machine, read from the folder that they share."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from prometheus_client import ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from voiceproject.metrics import slots


class SharedCollector(Collector):
    """The metrics of all processes of this machine. Where each has its own, the label `worker` is its slot."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """Read the files of all processes, and look at those that live."""
        processes = slots.list_processes(self._folder)
        files = slots.list_files(self._folder, set(processes))
        for metric in MultiProcessCollector.merge(files):  # type: ignore[no-untyped-call]
            yield _name_worker(metric)
        yield from _measure_processes(processes)


def _name_worker(metric: Metric) -> Metric:
    """Call by its name what prometheus_client takes for the id of a process."""
    for index, sample in enumerate(metric.samples):
        if "pid" in sample.labels:
            labels = {("worker" if name == "pid" else name): value for name, value in sample.labels.items()}
            metric.samples[index] = sample._replace(labels=labels)
    return metric


def _measure_processes(processes: dict[int, int]) -> Iterable[Metric]:
    """Return memory, processor time and open files of each process, in one metric for all."""
    found: dict[str, Metric] = {}
    for slot, process_id in sorted(processes.items()):
        for metric in ProcessCollector(pid=partial(int, process_id), registry=None).collect():
            samples = [one._replace(labels={**one.labels, "worker": str(slot)}) for one in metric.samples]
            found.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type)).samples += samples
    return found.values()
