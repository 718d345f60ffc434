"""How many processes with a model all processes of the site on this machine may have together.

Each process with a model holds a place while it lives: a file that is locked. The kernel gives the lock back however
the process of the site ends that holds it, and its processes with models end with it.
"""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

PROCESS_MB = 320  # what most models take at their peak, see docs/local-models.md
LEAST = 2  # one that hears and one that speaks
ALL = 3  # of one process of the site: two that hear and one that speaks


@dataclass(frozen=True, slots=True)
class Places:
    """`most` places in a folder that `sharers` processes of the site share."""

    folder: Path
    most: int
    sharers: int

    @property
    def has_enough(self) -> bool:
        """Whether each sharer may have all the processes that it wants."""
        return self.most >= ALL * self.sharers

    @property
    def has_one_of_each(self) -> bool:
        """Whether each sharer may hear and speak at the same time as all others."""
        return self.most >= LEAST * self.sharers

    def take(self) -> int | None:
        """Take a place, and return the descriptor that holds it until it is closed; None if all are taken.

        Raise OSError if the folder or the files cannot be had.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(self.most):
            file = os.open(self.folder / str(number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return file
            except OSError as error:
                os.close(file)
                if not isinstance(error, BlockingIOError):
                    raise
        return None


def count_places(memory_mb: int) -> int:
    """Return how many processes with a model fit into so much memory: two at least."""
    return max(LEAST, memory_mb // PROCESS_MB)
