"""What clients, providers and files can make the event loop read, and the texts that are worst for it.

`python -m bench.foreign_text` prints how long 1 MB of each keeps the loop; tests/project/test_foreign_text.py shows
that each is linear. A reader that is left to others in between, such as that of a reply, counts by its longest step.
"""

import gc
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from time import process_time

from bench.text_readers import READERS, Read, read_frame
from bench.worst_texts import MEGABYTE, SHAPES, VALUES, build_shaped_text, build_worst_texts

BAR_MS = 50.0


@dataclass(frozen=True, slots=True)
class Spent:
    """What reading one text has cost."""

    total_ms: float
    longest_ms: float  # of the steps in between which the loop serves others


def measure_cost(reader: Read, text: str) -> Spent:
    started = last = process_time()
    longest = 0.0
    for _ in reader(text) or ():
        longest, last = max(longest, process_time() - last), process_time()
    ended = process_time()
    return Spent((ended - started) * 1000, max(longest, ended - last) * 1000)


def main() -> int:
    # As the site does when it has started: else a search for garbage in all that is imported is taken for the reading.
    gc.collect()
    gc.freeze()
    worst = {name: max(_list_cases(reader)) for name, reader in READERS.items()}
    worst |= {
        f"an event of {shape}": max(
            (measure_cost(read_frame, build_shaped_text(shape, value, MEGABYTE)).longest_ms, value) for value in VALUES
        )
        for shape in SHAPES
    }
    for name, (taken_ms, text) in sorted(worst.items(), key=lambda one: -one[1][0]):
        sys.stdout.write(f"{taken_ms:8.1f} ms  {name}, of {text}\n")
    return int(any(taken_ms > BAR_MS for taken_ms, _ in worst.values()))


def _list_cases(reader: Read) -> Iterator[tuple[float, str]]:
    for name, text in build_worst_texts(MEGABYTE):
        yield measure_cost(reader, text).longest_ms, name


if __name__ == "__main__":
    sys.exit(main())
