"""The file of a recording: lines in order, bounded, and no trouble for whoever writes them."""

import asyncio
import json
from pathlib import Path
from threading import Event

import pytest

from conversations.session import recording_file
from conversations.session.recording_file import RecordingFile

LINE = json.dumps({"text": "x" * 88}) + "\n"  # 101 bytes


class Warned:
    def __init__(self) -> None:
        self.errors: list[Exception] = []

    def __call__(self, error: Exception) -> None:
        self.errors.append(error)


@pytest.fixture
def warn() -> Warned:
    return Warned()


async def test_it_works(tmp_path: Path, warn: Warned) -> None:
    files = [RecordingFile(tmp_path / f"{name}.jsonl", 10**9, 10**9, warn) for name in "ab"]
    for place in range(5_000):
        for file in files:
            file.put(f"{place}\n")
    for file in files:
        await file.close(10)
    for name in "ab":
        assert (tmp_path / f"{name}.jsonl").read_text().split() == [
            *map(str, range(5_000)),
            '{"ending":"the',
            "session",
            "was",
            'over"}',
        ]
    assert warn.errors == []


async def test_a_full_file_says_so(tmp_path: Path, warn: Warned) -> None:
    file = RecordingFile(tmp_path / "a.jsonl", 10 * len(LINE), 10**9, warn)
    for _ in range(50):
        file.put(LINE)
    await file.close(10)
    assert (tmp_path / "a.jsonl").read_text() == LINE * 10 + '{"ending":"it is full"}\n'
    assert len(warn.errors) == 1


async def test_a_full_folder_takes_no_more(tmp_path: Path, warn: Warned) -> None:
    (tmp_path / "old.jsonl").write_text(LINE * 10)
    file = RecordingFile(tmp_path / "a.jsonl", 10**9, 10 * len(LINE), warn)
    file.put(LINE)
    await file.close(10)
    assert not (tmp_path / "a.jsonl").exists()
    assert len(warn.errors) == 1


async def test_a_disk_that_does_not_keep_up(tmp_path: Path, warn: Warned, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits is bounded, is written once it can be, and its end says that more is missing."""
    monkeypatch.setattr(recording_file, "MAX_WAITING_BYTES", 10 * len(LINE))
    is_hanging, is_back = Event(), Event()

    def hang(_: Exception) -> None:
        is_hanging.set()
        is_back.wait(10)

    RecordingFile(tmp_path / "full.jsonl", 0, 10**9, hang).put(LINE)  # the thread writes all files, one after another
    assert await asyncio.to_thread(is_hanging.wait, 10)
    file = RecordingFile(tmp_path / "a.jsonl", 10**9, 10**9, warn)
    for _ in range(50):
        file.put(LINE)
    is_back.set()
    await file.close(10)
    assert (tmp_path / "a.jsonl").read_text() == LINE * 10 + '{"ending":"the disk was too slow"}\n'
    assert len(warn.errors) == 1


async def test_a_file_that_is_there_is_not_touched(tmp_path: Path, warn: Warned) -> None:
    (tmp_path / "elsewhere").write_text("mine")
    (tmp_path / "a.jsonl").symlink_to(tmp_path / "elsewhere")
    file = RecordingFile(tmp_path / "a.jsonl", 10**9, 10**9, warn)
    file.put(LINE)
    await file.close(10)
    assert (tmp_path / "elsewhere").read_text() == "mine"
    assert len(warn.errors) == 1
