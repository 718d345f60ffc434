"""A board in shared memory on which the processes of a site write how busy they are, so that each sees all.

Each process has a slot of four bytes, which only it writes while it lives: 0 if it takes no newcomers, else its load
and one. The supervisor wipes the slot of a process that has ended.
"""

import mmap
import os
import tempfile
from collections.abc import Iterator
from struct import Struct

SLOT = Struct("=I")  # written at once, so that nobody reads half of it
MOST_LOAD = 2**32 - 2


class LoadBoard:
    """The loads of all processes; `number` counts from 1."""

    def __init__(self, file: int) -> None:
        self.file = file
        self._memory = mmap.mmap(file, 0)
        self._count = len(self._memory) // SLOT.size

    @classmethod
    def make(cls, count: int) -> "LoadBoard":
        """Return a new board for so many processes, of a file that nobody else can open."""
        with tempfile.TemporaryFile() as file:
            file.truncate(count * SLOT.size)
            return cls(os.dup(file.fileno()))

    def write(self, number: int, load: int) -> None:
        """Write the load of a process that takes newcomers."""
        self._write(number, min(max(load, 0), MOST_LOAD) + 1)

    def wipe(self, number: int) -> None:
        """Note that a process takes no newcomers, or has ended."""
        self._write(number, 0)

    def is_open(self, number: int) -> bool:
        """Return whether a process takes newcomers."""
        return self._read(number) > 0

    def find_least(self, but: int) -> int | None:
        """Return the least load of all processes that take newcomers, without the process `but`; None without any."""
        return min(self._list_loads(but), default=None)

    def _list_loads(self, but: int) -> Iterator[int]:
        for number in range(1, self._count + 1):
            if number != but and (value := self._read(number)):
                yield value - 1

    def _read(self, number: int) -> int:
        return int(SLOT.unpack_from(self._memory, (number - 1) * SLOT.size)[0])

    def _write(self, number: int, value: int) -> None:
        SLOT.pack_into(self._memory, (number - 1) * SLOT.size, value)
