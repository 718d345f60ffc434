import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
from aiohttp import web

from accounts.outbound import public_addresses
from conversations.network import http
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
    here = http.get_shared_client()
    assert http.get_shared_client() is here
    assert http.get_shared_client(public_only=True) is not here

    async def has_its_own_client() -> bool:
        other = http.get_shared_client()
        await http.close_clients()
        return other is not here

    assert await asyncio.to_thread(lambda: asyncio.run(has_its_own_client()))


@pytest.mark.parametrize("public_only", [False, True])
async def test_no_cookie_goes_from_one_user_to_another(public_only: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connections are shared, and a server may know the account behind a key by its cookie."""

    async def resolve_to_localhost(host: str, port: int) -> str:
        return "127.0.0.1"

    async def answer(request: web.Request) -> web.Response:
        response = web.Response(text=request.headers.get("Cookie", "none"))
        response.set_cookie("session", "alice")
        return response

    monkeypatch.setattr(public_addresses, "find_public_address", resolve_to_localhost)
    server = web.AppRunner(web.Application())
    server.app.router.add_get("/", answer)
    await server.setup()
    await web.TCPSite(server, "127.0.0.1", 0).start()
    client = http.get_shared_client(public_only)
    try:
        for _ in range(2):
            assert (await client.get(f"http://127.0.0.1:{server.addresses[0][1]}/")).text == "none"
    finally:
        await http.close_clients()
        await server.cleanup()
