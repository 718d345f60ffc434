"""Let the processes of one machine keep their metrics together, in the files of prometheus_client's multiprocess mode.

By itself prometheus_client names its files by process id: every restart leaves more of them behind, and somebody has
to tell it who died. Here each process holds a slot instead, a number whose lock is free. The kernel frees the
lock however a process ends, so nobody has to clean up: the next process goes on with the slot's counters, which so
never fall, and the gauges of a slot that nobody holds are left out.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from prometheus_client import values

from voiceproject.server.worker_count import read_worker_number

SLOTS = 1024  # more processes than a machine has
GAUGES = "gauge_"
# The beginnings of all names of files: the type of a metric, and for gauges how they add up over processes.
KINDS = ("counter", "histogram", f"{GAUGES}livesum", f"{GAUGES}liveall", f"{GAUGES}livemostrecent")
# Each file has its room before it is mapped into memory: a disk that is full would end the process at its next write.
FILE_BYTES = 256 * 1024

_held: tuple[int, int] | None = None  # the slot of this process, and the descriptor that holds its lock


def share_if_wanted() -> None:
    """Have the metrics that are made from now on kept in METRICS_DIR, if the site has one."""
    if settings.METRICS_DIR:
        values.ValueClass = values.MultiProcessValue(get_slot)  # type: ignore[no-untyped-call]


def get_slot() -> int:
    """Return the slot of this process. A process that was forked gets one of its own."""
    global _held  # one for each process
    if _held is None:
        try:
            _held = _claim(Path(settings.METRICS_DIR), read_worker_number())
        except OSError as error:
            raise ImproperlyConfigured(f"PROMETHEUS_MULTIPROC_DIR cannot be used: {error.strerror}.") from None
    return _held[0]


def _forget() -> None:
    """Leave the slot to the process that this one was forked from."""
    global _held
    if _held is not None:
        os.close(_held[1])
        _held = None


os.register_at_fork(after_in_child=_forget)


def _claim(folder: Path, preferred: int = 0) -> tuple[int, int]:
    """Take the slot of this number if there is one and it is free, so that logs name the process as metrics do."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in (*([preferred] if preferred else ()), *range(1, SLOTS + 1)):
        descriptor = os.open(_name_lock(folder, number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        _prepare_files(folder, number)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        return number, descriptor
    raise OSError(0, f"all {SLOTS} slots are held", str(folder))


def _prepare_files(folder: Path, number: int) -> None:
    for kind in KINDS:
        path = folder / f"{kind}_{number}.db"
        if kind.startswith(GAUGES):
            path.unlink(missing_ok=True)  # of a process that is gone
        with path.open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, FILE_BYTES)


def list_processes(folder: Path) -> dict[int, int]:
    """Return the ids of the processes that hold a slot, by its number."""
    found = {}
    for lock in folder.glob("*.lock"):
        with suppress(FileNotFoundError, ValueError), lock.open() as file:
            if _is_held(file.fileno()):
                found[int(lock.stem)] = int(file.read())
    return found


def _is_held(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # given back when the file is closed
    except BlockingIOError:
        return True
    return False


def list_files(folder: Path, live: set[int]) -> list[str]:
    """Return the files to read: all counts, and the gauges of the slots that are held."""
    names = [path for path in folder.glob("*.db") if path.stem.rpartition("_")[2].isdecimal()]
    return [
        str(path)
        for path in sorted(names)
        if not path.name.startswith(GAUGES) or int(path.stem.rpartition("_")[2]) in live
    ]


def _name_lock(folder: Path, number: int) -> Path:
    return folder / f"{number}.lock"
