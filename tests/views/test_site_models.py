"""The page about this site's models, and what the talk page's script asks for."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import User
from conversations.engines.local_servers.addresses import Address
from conversations.local_models.manifest import load_manifest
from conversations.models import Assistant
from tests.support.local_servers import LocalServer, list_models, list_tags, run_local_server

QWEN, GEMMA = "qwen3:4b-instruct", "gemma3:4b"
JSON = {"Accept": "application/json"}


@pytest.fixture
def ollama(settings: Settings) -> Iterator[LocalServer]:
    tags = list_tags({QWEN: "2026-11-01T00:00:00Z", GEMMA: "2026-11-02T00:00:00Z"})
    with run_local_server(v1__models=list_models(QWEN, GEMMA), api__tags=tags) as server:
        settings.LOCAL_LLM_SERVERS = (Address("127.0.0.1", server.port),)
        yield server


def read_page(client: Client) -> str:
    return client.get(reverse("site_models")).content.decode()


def look(client: Client) -> dict[str, object]:
    document: dict[str, object] = client.post(reverse("local_models_look"), headers=JSON).json()
    return document


def test_it_works(as_owner: Client) -> None:
    page = read_page(as_owner)
    for model in load_manifest().values():
        assert model.title in page
        assert model.origin in page
    assert "hibari" in page
    assert "af_heart" in page
    assert "ELIZA (demo)" in page
    assert "does not look for language models" in page


def test_it_is_for_those_who_are_signed_in(client: Client) -> None:
    for name in ("site_models", "local_models_state"):
        assert client.get(reverse(name)).status_code == 302
    for name in ("local_models_look", "local_models_pick"):
        assert client.post(reverse(name)).status_code == 302
        assert client.get(reverse(name)).status_code == 405


def test_it_is_linked(as_owner: Client) -> None:
    for name in ("settings", "talk"):
        assert reverse("site_models") in as_owner.get(reverse(name)).content.decode()


def test_looking_again_finds_what_is_there(as_owner: Client, ollama: LocalServer) -> None:
    answer = as_owner.post(reverse("local_models_look"), follow=True)
    page = answer.content.decode()
    assert answer.redirect_chain == [(reverse("site_models"), 302)]
    assert f"{GEMMA} is ready: Ollama runs it on this site’s machine." in page
    assert f"{GEMMA} on this machine" in page
    assert QWEN in page


def test_nothing_there(as_owner: Client, settings: Settings, ollama: LocalServer) -> None:
    ollama.pages.clear()
    settings.LOCAL_LLM_SUGGESTION = "tiny:1b"
    document = look(as_owner)
    assert (document["tone"], document["command"]) == ("missing", "ollama pull tiny:1b")
    slug = Assistant.objects.get(is_default=True).slug
    assert document["assistants"][slug]["wantsLocalModel"] is True  # type: ignore[index]


def test_a_server_without_a_model(as_owner: Client, ollama: LocalServer) -> None:
    ollama.pages = {"/v1/models": {"object": "list", "data": None}, "/api/tags": {"models": []}}
    document = look(as_owner)
    assert (document["tone"], document["models"]) == ("empty", [])
    assert str(document["text"]).startswith("Ollama runs on this site’s machine, but has no model")


def test_a_server_that_has_gone(as_owner: Client, ollama: LocalServer) -> None:
    assert look(as_owner)["tone"] == "ready"
    ollama.pages.clear()
    document = look(as_owner)
    assert document["tone"] == "gone"
    assert "Ollama, which ran" in str(document["text"])


def test_a_pick(as_owner: Client, owner: User, ollama: LocalServer) -> None:
    look(as_owner)
    pick = reverse("local_models_pick")
    assert as_owner.post(pick, {"model": QWEN}, headers=JSON).json()["picked"] == QWEN
    owner.refresh_from_db()
    assert owner.local_model == QWEN
    assert f"{QWEN} on this machine" in read_page(as_owner)
    assert b"Choose another" in as_owner.post(pick, {"model": "elsewhere"}, follow=True).content
    assert b"Saved." in as_owner.post(pick, {"model": ""}, follow=True).content
    owner.refresh_from_db()
    assert owner.local_model == ""


def test_a_pick_that_has_gone_is_told(as_owner: Client, owner: User, ollama: LocalServer) -> None:
    owner.local_model = "vanished:7b"
    owner.save()
    look(as_owner)
    assert "vanished:7b, which you picked, is not there now." in read_page(as_owner)


def test_an_assistant_of_the_demo_wants_no_model(as_owner: Client, ollama: LocalServer) -> None:
    Assistant.objects.create(slug="eliza", name="Eliza", instructions="Be Eliza.", llm_engine="demo")
    ollama.pages.clear()
    assert look(as_owner)["assistants"]["eliza"]["wantsLocalModel"] is False  # type: ignore[index]
