"""Folders in which a site may keep its Postgres."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In pytest's place, which closes its folders to others whenever a run begins; root's Postgres is such another."""
    with tempfile.TemporaryDirectory(prefix="voiceproject-test-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
