"""Talking to a server on this machine."""

import asyncio

import pytest

from conversations.engines.base import ChatMessage, EngineSpec
from conversations.engines.errors import EngineError, EngineUnavailable
from conversations.engines.local_servers.addresses import Address
from conversations.engines.local_servers.discovery import DISCOVERY
from conversations.engines.registry import make_llm
from tests.support.local_servers import list_models, run_local_server
from tests.upstream.fixtures import Upstream

ASKED = [ChatMessage("user", "Tell me a story")]
QWEN = "qwen3:4b-instruct"


async def complete(base_url: str) -> str:
    llm = make_llm(EngineSpec("local", QWEN, base_url=base_url, timeout_sec=5))
    return "".join([piece.text async for piece in llm.complete(ASKED)])


async def test_it_works(upstream: Upstream) -> None:
    upstream.be_ollama({QWEN: {}})
    upstream.script(replies=("Once upon a time.",))
    assert await complete(upstream.openai_url) == "Once upon a time."
    [request] = upstream.list_requests("chat")
    assert (request["key"], request["asked"]["model"]) == ("", QWEN)


async def test_a_server_that_has_gone_says_so_and_is_forgotten() -> None:
    with run_local_server(v1__models=list_models(QWEN)) as server:
        addresses = (Address("127.0.0.1", server.port),)
        assert (await asyncio.to_thread(DISCOVERY.look, addresses)).servers
    with pytest.raises(EngineUnavailable, match=rf"{QWEN} has gone: nothing answers at 127.0.0.1:{server.port}"):
        await complete(f"http://127.0.0.1:{server.port}/v1")
    assert DISCOVERY.get(addresses).servers == ()
    assert [one.address for one in DISCOVERY.get(addresses).gone] == list(addresses)


async def test_one_that_breaks_off_is_not_forgotten(upstream: Upstream) -> None:
    upstream.be_ollama({QWEN: {}})
    upstream.behave("chat", fault="cut")
    with pytest.raises(EngineUnavailable, match=r"a server on this machine\) broke off"):
        await complete(upstream.openai_url)


async def test_a_redirect_is_not_followed(upstream: Upstream) -> None:
    upstream.behave("chat", fault="302")
    with pytest.raises(EngineError, match="a server on this machine"):
        await complete(upstream.openai_url)
    assert upstream.list_requests("models") == []
