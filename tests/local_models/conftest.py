from collections.abc import Iterator
from pathlib import Path

import pytest

from conversations.local_models.store import Store
from tests.support.model_server import run_model_server
from tests.support.model_workbench import Workbench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    own = tmp_path / "own"
    own.mkdir()
    with run_model_server() as server:
        yield Workbench(server, Store(tmp_path / "models"), own)
