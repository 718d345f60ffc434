from pathlib import Path

import pytest
from pytest_django.fixtures import Settings


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """SPOOL_DIR of this test, which is not made yet."""
    settings.SPOOL_DIR = tmp_path / "spool"
    return tmp_path / "spool"
