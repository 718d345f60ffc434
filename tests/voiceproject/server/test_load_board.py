"""The board that processes of different code may be given."""

import os
import tempfile

import pytest
from django.core.exceptions import ImproperlyConfigured

from voiceproject.server.load_board import LAYOUT, NUMBER, LoadBoard


def test_it_works() -> None:
    board = LoadBoard.make(2)
    there = LoadBoard(os.dup(board.file))
    there.write(2, 7)
    board.note_stuck()
    assert (board.is_open(1), board.is_open(2), board.find_least(but=1), board.find_least(but=2)) == (
        False, True, 7, None)  # fmt: skip
    assert (there.read_beats(1), board.read_beats(2), there.count_stuck()) == (0, 1, 1)
    board.wipe(2)
    assert (there.is_open(2), there.read_beats(2), there.count_stuck()) == (False, 1, 1)


@pytest.mark.parametrize(
    "numbers",
    [
        [],
        [LAYOUT, 0],  # of no process
        [LAYOUT, 0, 0, 0, 0],
        [LAYOUT + 1, 0, 0, 0],
        [0, 0, 0, 0, 0],  # of two processes, before it had a layout
    ],
)
def test_one_that_other_code_has_made_is_refused(numbers: list[int]) -> None:
    with tempfile.TemporaryFile() as file:
        os.write(file.fileno(), b"".join(NUMBER.pack(number) for number in numbers))
        with pytest.raises(ImproperlyConfigured, match="another version"):
            LoadBoard(file.fileno())
