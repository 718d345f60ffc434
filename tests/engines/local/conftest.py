from collections.abc import Iterator
from pathlib import Path

import pytest

from conversations.engines.base import EngineSpec
from conversations.engines.local.workers.pools import close_pools
from tests.support.local_models import fetch_model

TINY = "whisper-tiny.en"


@pytest.fixture(scope="session")
def models() -> Path:
    """The folder with Whisper tiny.en, the real one."""
    return fetch_model(TINY)


@pytest.fixture
def spec(models: Path) -> EngineSpec:
    return EngineSpec("local", TINY, stream_model=TINY, folder=str(models))


@pytest.fixture(scope="module", autouse=True)
def processes() -> Iterator[None]:
    """End the worker processes of a module."""
    yield
    close_pools()
