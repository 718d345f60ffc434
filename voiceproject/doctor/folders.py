"""Folders and disks: what waits to be stored, and how much room there is."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from conversations.storage.spool.utterance_journal import SUFFIX
from voiceproject.doctor.findings import Finding, Options, count, fine, note, problem
from voiceproject.settings.env import VAR_DIR

WAITING_SEC = 600
LEAST_FREE_BYTES = 1_000_000_000
LEAST_TEMP_BYTES = 200_000_000  # of uploads, twice: as they come, and as they are read
FULL = 0.8


def check(_: Options) -> Iterator[Finding]:
    """Look at the folders."""
    yield from _check_spool(settings.SPOOL_DIR)
    yield from _check_room()


def _check_spool(folder: Path) -> Iterator[Finding]:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        yield problem(
            f"SPOOL_DIR cannot be written ({folder}: {error.strerror}): what is said while Postgres is away is lost "
            "with the process.",
            "Make it a folder of the site's user, on a disk that outlives the process.",
        )
        return
    yield from _judge_files(folder, _list_files(folder))


def _list_files(folder: Path) -> dict[str, os.stat_result]:
    """Return the files of a folder, the oldest first. A running site takes some away meanwhile."""
    found = {}
    for path in sorted(folder.iterdir()):
        with suppress(FileNotFoundError):
            found[path.name] = path.stat()
    return found


def _judge_files(folder: Path, files: dict[str, os.stat_result]) -> Iterator[Finding]:
    failed = [name for name in files if name.endswith(".failed")]
    waiting = [name for name in files if name.endswith(".jsonl")]
    # What is being said now is in such files too, which are written to.
    broken_off = [name for name in files if name.endswith(SUFFIX) and _is_old(files[name])]
    if failed:
        yield problem(
            f"Set aside in SPOOL_DIR, as they could never be stored: {count(len(failed), 'file')}.",
            f"The log says why; the words are in {folder / failed[0]}. Move them away once you have looked.",
        )
    size = sum(files[name].st_size for name in (*waiting, *failed))
    if size > FULL * settings.SPOOL_MAX_BYTES:
        yield problem(f"SPOOL_DIR is {size / settings.SPOOL_MAX_BYTES:.0%} full.", "Make room, or raise SPOOL_MAX_MB.")
    if broken_off or (waiting and _is_old(files[waiting[0]])):
        yield problem(
            f"Waiting in SPOOL_DIR for more than ten minutes: the words of {count(len(waiting + broken_off), 'call')}.",
            "A running site stores them as soon as Postgres and the clip storage are back; the log says why it cannot.",
        )
    elif waiting:
        yield note(f"Waiting to be stored: the words of {count(len(waiting), 'call')}.", "Look again in a minute.")
    elif not failed:
        yield fine("SPOOL_DIR can be written, and nothing waits in it.")


def _is_old(file: os.stat_result) -> bool:
    return time.time() - file.st_mtime > WAITING_SEC


def _check_room() -> Iterator[Finding]:
    places = {
        "the spool": (settings.SPOOL_DIR, LEAST_FREE_BYTES),
        "temporary files": (Path(tempfile.gettempdir()), LEAST_TEMP_BYTES),
        "speech models": (settings.LOCAL_MODELS_DIR, LEAST_FREE_BYTES),
        "the embedded Postgres": (VAR_DIR / "postgres", LEAST_FREE_BYTES),
    }
    there = {name: place for name, place in places.items() if place[0].exists()}
    short = [name for name, (folder, least) in there.items() if shutil.disk_usage(folder).free < least]
    for name in short:
        folder, least = there[name]
        yield problem(
            f"The disk of {name} ({folder}) has {shutil.disk_usage(folder).free / 1e6:,.0f} MB free.",
            f"Make room: it should have {least / 1e6:,.0f} MB.",
        )
    if not short:
        yield fine("There is room on the disks.")
