"""Whatever is sent to us is read in linear time: four times the text takes some four times as long, never sixteen.

The texts are those of bench/worst_texts.py; bench/foreign_text.py tells how many milliseconds 1 MB of them takes.
"""

import gc
from collections.abc import Iterator

import pytest

from bench.foreign_text import measure_cost
from bench.text_readers import READERS, Read, read_frame
from bench.worst_texts import SHAPES, VALUES, build_shaped_text, build_worst_texts

CHARS = 2_000
TIMES = 4
MOST_TIMES_AS_LONG = 9.0  # between the 4 of what is linear and the 16 of its square
LEAST_MS = 8.0  # the clock and the machine's other work tell in less
TRIES = 4  # the least of them counts


@pytest.fixture(autouse=True)
def without_collection() -> Iterator[None]:
    """The garbage collector is off: a collection amid one measurement would look like quadratic time."""
    gc.disable()
    yield
    gc.enable()


def is_linear(reader: Read, short: str, long: str) -> bool:
    least_short = least_long = float("inf")
    for _ in range(TRIES):
        least_long = min(least_long, measure_cost(reader, long).total_ms)
        if least_long < LEAST_MS:
            return True
        least_short = min(least_short, measure_cost(reader, short).total_ms)
        if least_long < MOST_TIMES_AS_LONG * least_short:
            return True
    return False


@pytest.mark.parametrize("name", READERS)
def test_text_is_read_in_linear_time(name: str) -> None:
    texts = zip(build_worst_texts(CHARS), build_worst_texts(CHARS * TIMES), strict=True)
    assert not [text for (text, short), (_, long) in texts if not is_linear(READERS[name], short, long)]


@pytest.mark.parametrize("shape", SHAPES)
def test_an_event_is_read_in_linear_time(shape: str) -> None:
    values = (
        (value, build_shaped_text(shape, value, CHARS), build_shaped_text(shape, value, CHARS * TIMES))
        for value in VALUES
    )
    assert not [value for value, short, long in values if not is_linear(read_frame, short, long)]


def test_the_test_knows_a_square() -> None:
    def read_squared(text: str) -> None:
        for start in range(0, len(text), 2):
            text[start:].count("b")

    assert not is_linear(read_squared, "a" * 16_000, "a" * 64_000)
