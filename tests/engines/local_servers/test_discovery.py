"""Looking for servers over real sockets: those that are there, and what else may stand at their ports."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest

from conversations.engines.local_servers.addresses import Address
from conversations.engines.local_servers.discovery import Discovery
from conversations.engines.local_servers.found import Found
from tests.support.live import Site
from tests.support.local_servers import (
    LocalServer,
    answer_html,
    answer_without_end,
    hang_until,
    list_models,
    list_tags,
    redirect,
    run_local_server,
)
from tests.support.polling import poll

QWEN, GEMMA = "qwen3:4b-instruct", "gemma3:4b"
TAGS = list_tags({QWEN: "2026-11-01T00:00:00Z", GEMMA: "2026-11-02T00:00:00Z"})
OLLAMA = {"v1__models": list_models(QWEN, GEMMA), "api__tags": TAGS, "api__ps": {"models": []}}


class Neighbours:
    """Servers that run until the test ends."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.addresses: tuple[Address, ...] = ()

    def add(self, **pages: Any) -> LocalServer:
        server = self._stack.enter_context(run_local_server(**pages))
        self.addresses = (*self.addresses, Address("127.0.0.1", server.port))
        return server

    def look(self) -> Found:
        return Discovery().look(self.addresses)


@pytest.fixture
def neighbours() -> Iterator[Neighbours]:
    with ExitStack() as stack:
        yield Neighbours(stack)


def test_it_works(neighbours: Neighbours) -> None:
    server = neighbours.add(**OLLAMA)
    found = neighbours.look()
    [ollama] = found.servers
    assert (ollama.software, [model.name for model in ollama.models]) == ("Ollama", [QWEN, GEMMA])
    assert [choice.model.name for choice in found.list_choices()] == [GEMMA, QWEN]
    assert {(method, authorization) for method, _, authorization in server.asked} == {("GET", None)}


def test_many_who_look_at_once_share_a_look(neighbours: Neighbours) -> None:
    server, discovery = neighbours.add(**OLLAMA), Discovery()
    with ThreadPoolExecutor(10) as threads:
        found = list(threads.map(lambda _: discovery.look(neighbours.addresses), range(10)))
    assert all(one.servers for one in found)
    assert 1 <= sum(path == "/v1/models" for _, path, _ in server.asked) < 10


def test_what_is_loaded_comes_first(neighbours: Neighbours) -> None:
    loaded = {"models": [{"name": QWEN, "expires_at": "2026-11-29T23:20:00Z"}]}
    neighbours.add(**{**OLLAMA, "api__ps": loaded})
    assert neighbours.look().list_choices()[0].model.name == QWEN


def test_several_servers(neighbours: Neighbours) -> None:
    neighbours.add(**OLLAMA)
    neighbours.add(v1__models=list_models("llama.gguf", owner="llamacpp"))
    states = [
        {"id": "studio", "type": "llm", "state": "not-loaded"},
        {"id": "words", "type": "embeddings", "state": ""},
    ]
    studio = list_models("studio", "words", owner="organization_owner")
    neighbours.add(v1__models=studio, api__v0__models={"data": states})
    neighbours.add(v1__models=list_models("mistral", owner="vllm"))
    neighbours.add(v1__models=list_models("unknown", owner="somebody"))
    found = neighbours.look()
    described = {server.software: [model.name for model in server.models] for server in found.servers}
    assert described == {
        "Ollama": [QWEN, GEMMA],
        "llama.cpp": ["llama.gguf"],
        "LM Studio": ["studio"],
        "vLLM": ["mistral"],
        "A compatible server": ["unknown"],
    }
    assert found.list_choices()[0].model.is_loaded


def test_what_is_no_server_of_models(neighbours: Neighbours) -> None:
    """All of them together take no longer than the slowest may."""
    over = neighbours.add(v1__models=answer_html).is_over
    elsewhere = neighbours.add(**OLLAMA)
    others = neighbours.addresses[:1]
    neighbours.addresses = others
    neighbours.add(v1__models=hang_until(over))
    neighbours.add(v1__models=answer_without_end(100))
    neighbours.add(v1__models=redirect(f"http://127.0.0.1:{elsewhere.port}/v1/models"))
    neighbours.add()
    neighbours.add(v1__models={"object": "list", "data": [[] for _ in range(60_000)]})
    with socket.socket() as deaf:  # nobody listens there
        deaf.bind(("127.0.0.1", 0))
        neighbours.addresses = (*neighbours.addresses, Address("127.0.0.1", deaf.getsockname()[1]))
        assert neighbours.look().servers == ()
    assert elsewhere.asked == []


def test_the_proxy_of_the_environment_is_not_asked(neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch) -> None:
    neighbours.add(**OLLAMA)
    with run_local_server() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert neighbours.look().servers
        assert proxy.asked == []


def test_a_server_that_has_gone_and_comes_back(neighbours: Neighbours) -> None:
    discovery, server = Discovery(), neighbours.add(**OLLAMA)
    [ollama] = discovery.look(neighbours.addresses).servers
    server.close()
    found = discovery.look(neighbours.addresses)
    assert (found.servers, found.gone) == ((), (ollama,))
    assert discovery.look(neighbours.addresses).gone == (ollama,)  # however often one looks
    with run_local_server(server.port, **OLLAMA):
        found = discovery.look(neighbours.addresses)
        assert (found.servers, found.gone) == ((ollama,), ())


def test_one_that_did_not_answer_a_request_is_forgotten(neighbours: Neighbours) -> None:
    discovery = Discovery()
    neighbours.add(**OLLAMA)
    [ollama] = discovery.look(neighbours.addresses).servers
    discovery.forget("http://127.0.0.1:1/v1")
    assert discovery.get(neighbours.addresses).servers == (ollama,)
    discovery.forget(ollama.base_url)
    assert discovery.get(neighbours.addresses).gone == (ollama,)


async def test_who_asks_does_not_wait(neighbours: Neighbours) -> None:
    """The first who asks is told nothing, and the look that begins then serves the others."""
    discovery = Discovery()
    server = neighbours.add(**OLLAMA)
    assert discovery.get(neighbours.addresses).servers == ()

    async def find() -> bool:
        return bool(discovery.get(neighbours.addresses).servers)

    assert await poll(find)
    assert len([path for _, path, _ in server.asked if path == "/v1/models"]) == 1


def test_nowhere_to_look() -> None:
    assert Discovery().get(()).servers == Discovery().look(()).servers == ()


def test_this_site_is_none_itself(live_site: Site) -> None:
    """It answers on port 8000, where vLLM would."""
    assert Discovery().look((Address("127.0.0.1", urlsplit(live_site.url).port or 0),)).servers == ()
    assert "Traceback" not in live_site.log
