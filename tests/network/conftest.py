from collections.abc import AsyncIterator

import pytest

from conversations.network import http


@pytest.fixture(autouse=True)
async def connections() -> AsyncIterator[None]:
    """Close the shared connections, since each test has its own event loop and they belong to one."""
    yield
    await http.close_clients()
