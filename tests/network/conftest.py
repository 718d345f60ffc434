from collections.abc import AsyncIterator

import pytest

from conversations.network import http


@pytest.fixture(autouse=True)
async def connections() -> AsyncIterator[None]:
    """Each test has its own event loop, and connections belong to one."""
    yield
    await http.close_clients()
