"""Folders in which a site may keep its Postgres."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder that Postgres may enter.

    Pytest closes its own folders to other users whenever a run begins, and as root Postgres runs as another user.
    """
    with tempfile.TemporaryDirectory(prefix="voiceproject-test-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
