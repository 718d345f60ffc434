"""A board in shared memory on which the processes of a site write how busy they are, so that each sees all.

Each process has two numbers of four bytes, which only it writes while it lives: 0 if it takes no newcomers, else its
load and one; and how often it has written, by which the supervisor sees that its event loop runs. The supervisor wipes
the load of a process that has ended, and keeps a number of its own: how many it had to replace since they were stuck.
Before all that stands how the board is laid out, since a process may be started with newer code than its supervisor's.
"""

import mmap
import os
import tempfile
from collections.abc import Iterator
from struct import Struct

from django.core.exceptions import ImproperlyConfigured

NUMBER = Struct("=I")  # written at once, so that nobody reads half of it
LAYOUT = 0x56500002  # of this code; another one has another number
LAYOUT_PLACE, STUCK_PLACE, LOADS_PLACE = 0, 1, 2
EACH = 2  # numbers of a process: its load, and its beats
MOST_LOAD = 2**32 - 2


class LoadBoard:
    """The loads of all processes; `number` counts from 1."""

    def __init__(self, file: int) -> None:
        """Map a board. Raise ImproperlyConfigured if other code has laid it out."""
        self.file = file
        self._count, rest = divmod(os.fstat(file).st_size // NUMBER.size - LOADS_PLACE, EACH)
        if self._count < 1 or rest or os.pread(file, NUMBER.size, LAYOUT_PLACE) != NUMBER.pack(LAYOUT):
            raise ImproperlyConfigured(
                "The site was started by another version of Voiceproject, with which these processes cannot work. "
                "Stop it and start it again: SIGHUP is not enough."
            )
        self._memory = mmap.mmap(file, 0)

    @classmethod
    def make(cls, count: int) -> "LoadBoard":
        """Return a new board for so many processes, of a file that nobody else can open."""
        with tempfile.TemporaryFile() as file:
            os.pwrite(file.fileno(), NUMBER.pack(LAYOUT), LAYOUT_PLACE)
            file.truncate((LOADS_PLACE + count * EACH) * NUMBER.size)
            return cls(os.dup(file.fileno()))

    def write(self, number: int, load: int) -> None:
        """Write the load of a process that takes newcomers, and one more beat."""
        self._write(_find_load(number), min(max(load, 0), MOST_LOAD) + 1)
        self._write(_find_load(number) + 1, (self.read_beats(number) + 1) % 2**32)

    def wipe(self, number: int) -> None:
        """Note that a process takes no newcomers, or has ended."""
        self._write(_find_load(number), 0)

    def is_open(self, number: int) -> bool:
        """Return whether a process takes newcomers."""
        return self._read(_find_load(number)) > 0

    def read_beats(self, number: int) -> int:
        """Return how often the process has written its load, modulo 2**32."""
        return self._read(_find_load(number) + 1)

    def count_stuck(self) -> int:
        """Return how many processes were replaced since they were stuck."""
        return self._read(STUCK_PLACE)

    def note_stuck(self) -> None:
        """Count one more. Only the supervisor does."""
        self._write(STUCK_PLACE, self.count_stuck() + 1)

    def find_least(self, but: int) -> int | None:
        """Return the least load of all processes that take newcomers, without the process `but`; None without any."""
        return min(self._list_loads(but), default=None)

    def _list_loads(self, but: int) -> Iterator[int]:
        for number in range(1, self._count + 1):
            if number != but and (value := self._read(_find_load(number))):
                yield value - 1

    def _read(self, place: int) -> int:
        return int(NUMBER.unpack_from(self._memory, place * NUMBER.size)[0])

    def _write(self, place: int, value: int) -> None:
        NUMBER.pack_into(self._memory, place * NUMBER.size, value)


def _find_load(number: int) -> int:
    """Return the place of a process's load; its beats are next to it."""
    return LOADS_PLACE + EACH * (number - 1)
