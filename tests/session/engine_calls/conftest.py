from collections.abc import Iterator

import pytest

from conversations.session.engine_calls.engine_circuits import get_circuits


@pytest.fixture(autouse=True)
def circuits() -> Iterator[None]:
    """Let each test begin with engines that have not failed yet."""
    get_circuits.cache_clear()
    yield
    get_circuits.cache_clear()
