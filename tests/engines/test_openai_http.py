import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from conversations.engines.openai import http
from tests.upstream.fixtures import Upstream


@pytest.fixture
async def bounded() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=http.BoundedTransport(httpx2.AsyncHTTPTransport())) as client:
        yield client


async def test_it_works(upstream: Upstream, bounded: httpx2.AsyncClient) -> None:
    assert "gpt-6-luna" in (await bounded.get(f"{upstream.openai_url}/models")).text


async def test_an_endless_answer_is_not_swallowed(
    upstream: Upstream, bounded: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_ANSWER_BYTES", 100)
    with pytest.raises(httpx2.ReadError, match="more than 100 bytes"):
        await bounded.get(f"{upstream.openai_url}/models")


async def test_a_packed_answer_is_refused(upstream: Upstream, bounded: httpx2.AsyncClient) -> None:
    upstream.behave("models", packed=True)
    with pytest.raises(httpx2.ReadError, match="packed"):
        await bounded.get(f"{upstream.openai_url}/models")


async def test_each_event_loop_has_its_own_connections() -> None:
    here = http.shared_client()
    assert http.shared_client() is here
    assert http.shared_client(public_only=True) is not here

    async def elsewhere() -> bool:
        other = http.shared_client()
        await http.close_clients()
        return other is not here

    assert await asyncio.to_thread(lambda: asyncio.run(elsewhere()))
