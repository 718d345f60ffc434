"""Recorded calls, of which each is decided as it was. A bug report becomes a test by its file: docs/debugging.md.

`RENEW=1` writes the expected outputs anew, for a change that is meant: `git diff` then shows what is decided otherwise.
"""

import os
from pathlib import Path

import pytest

from tests.support.recordings import FOLDER, print_replay

RECORDINGS = sorted(FOLDER.glob("*.jsonl"))


def test_there_are_recordings() -> None:
    assert {path.stem for path in RECORDINGS} >= {"barge_in", "tool_call", "speech_to_speech"}


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_it_is_decided_as_it_was(path: Path) -> None:
    expected = path.with_suffix(".txt")
    found = print_replay(path)
    if os.environ.get("RENEW"):
        expected.write_text(found)
    assert found == expected.read_text()
