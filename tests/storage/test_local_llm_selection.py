"""When a language model of this machine answers, and which."""

from collections.abc import Callable, Iterator

import pytest
from pytest_django.fixtures import Settings

from accounts.models import User
from conversations.engines.base import EngineSpec
from conversations.engines.local_servers.addresses import Address
from conversations.models import Assistant
from conversations.site_engines import look_for_local_servers
from conversations.storage.engine_selection import choose_engines
from tests.support.local_servers import LocalServer, list_models, list_tags, run_local_server

QWEN, GEMMA = "qwen3:4b-instruct", "gemma3:4b"
TAGS = list_tags({QWEN: "2026-11-01T00:00:00Z", GEMMA: "2026-11-02T00:00:00Z"})


@pytest.fixture
def ollama(settings: Settings) -> Iterator[LocalServer]:
    settings.LLM_ENGINE = settings.OPENAI_API_KEY = settings.OPENAI_BASE_URL = ""
    with run_local_server(v1__models=list_models(QWEN, GEMMA), api__tags=TAGS) as server:
        settings.LOCAL_LLM_SERVERS = (Address("127.0.0.1", server.port),)
        look_for_local_servers()
        yield server


@pytest.fixture
def choose(owner: User, ollama: LocalServer) -> Callable[..., EngineSpec]:
    return lambda **assistant: choose_engines(owner, Assistant(**assistant)).llm


def test_it_works(choose: Callable[..., EngineSpec], ollama: LocalServer) -> None:
    spec = choose()
    assert (spec.get_label(), spec.base_url) == (f"local:{GEMMA}", f"http://127.0.0.1:{ollama.port}/v1")
    assert (spec.api_key, spec.public_only) == ("", False)


def test_a_credential_comes_first(choose: Callable[..., EngineSpec], settings: Settings) -> None:
    settings.OPENAI_API_KEY = "sk-site"
    assert choose().provider == "openai"
    settings.LLM_ENGINE = "local"
    assert choose().provider == "local"
    assert choose(llm_engine="openai").provider == "openai"
    assert choose(llm_engine="demo").provider == "demo"


def test_the_users_pick(choose: Callable[..., EngineSpec], owner: User) -> None:
    owner.local_model = QWEN
    assert choose().model == QWEN
    assert choose(llm_engine="local", llm_model=GEMMA).model == GEMMA
    owner.local_model = "gone"
    assert choose().model == GEMMA


def test_with_no_server_the_demo_answers_and_nobody_else(choose: Callable[..., EngineSpec], settings: Settings) -> None:
    settings.LOCAL_LLM_SERVERS = ()
    assert choose().get_label() == "demo:eliza"
    settings.OPENAI_API_KEY, settings.LLM_ENGINE = "sk-site", "local"
    spec = choose()
    assert (spec.get_label(), spec.api_key, spec.base_url) == ("demo:eliza", "", "")


def test_with_a_key_nobody_looks(owner: User, ollama: LocalServer, settings: Settings) -> None:
    ollama.asked.clear()
    settings.OPENAI_API_KEY = "sk-site"
    choose_engines(owner, None)
    assert ollama.asked == []
