"""A fixed share of a core for a process, by Linux's control groups, of version 1 or 2; only root may give one.

So several servers can be compared on a machine whose cores also run the callers: each has what it was given, and no
more, whatever else runs. The period is short, for a process that has used up its share waits for the next one.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

CONTROL_GROUPS = Path("/sys/fs/cgroup")
PERIOD_US = 10_000
END_SEC = 5.0


@dataclass(frozen=True, slots=True)
class Share:
    """A control group of its own, and how much of a core its processes may use together."""

    folder: Path
    cores: float

    def hold(self, process_id: int) -> None:
        """Let a process, with all of its threads, use no more than this share."""
        (self.folder / "cgroup.procs").write_text(str(process_id))

    def count_throttled(self) -> tuple[int, int]:
        """Return in how many periods it had to wait, and in how many it ran."""
        facts = dict(line.split() for line in (self.folder / "cpu.stat").read_text().splitlines())
        return int(facts["nr_throttled"]), int(facts["nr_periods"])


@contextmanager
def give_share(name: str, cores: float, groups: Path = CONTROL_GROUPS) -> Iterator[Share]:
    """Make a share of `cores`, 0.3 for 30 % of one. Whatever it holds must have ended before this does.

    Raise SystemExit with a sentence where no share can be given.
    """
    try:
        folder = _make_group(groups, f"voiceproject-bench-{os.getpid()}-{name}", round(cores * PERIOD_US))
    except OSError as error:
        raise SystemExit(
            f"No process can be held to a share of a core here ({error}). It takes root on Linux, with the cpu "
            f"controller of control groups, writable in {groups}: on a machine or in a privileged container."
        ) from None
    try:
        yield Share(folder, cores)
    finally:
        _remove_group(folder)


def _make_group(groups: Path, name: str, quota_us: int) -> Path:
    if (groups / "cgroup.controllers").exists():  # version 2
        (groups / "cgroup.subtree_control").write_text("+cpu")
        limits = {"cpu.max": f"{quota_us} {PERIOD_US}"}
        folder = groups / name
    else:
        limits = {"cpu.cfs_period_us": str(PERIOD_US), "cpu.cfs_quota_us": str(quota_us)}
        folder = groups / "cpu" / name
    folder.mkdir()
    try:
        for file, value in limits.items():
            (folder / file).write_text(value)
    except OSError:
        _remove_group(folder)
        raise
    return folder


def _remove_group(folder: Path) -> None:
    """Remove a group as soon as it is empty: a process that has ended is in it for a moment."""
    give_up_at = monotonic() + END_SEC
    while folder.exists() and monotonic() < give_up_at:
        with suppress(OSError):
            folder.rmdir()
        sleep(0.05)
