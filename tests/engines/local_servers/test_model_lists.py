"""What servers say of their models, and what they may not do to us by it."""

from typing import Any

import pytest

from conversations.engines.local_servers import model_lists
from conversations.engines.local_servers.found import LocalModel
from tests.support.local_servers import list_models


def list_names(answer: Any) -> list[str]:
    found = model_lists.read_models(answer)
    assert found is not None
    return [model.name for model in found[1]]


@pytest.mark.parametrize(
    ("owner", "software", "is_loaded"),
    [
        ("library", "Ollama", False),
        ("llamacpp", "llama.cpp", True),
        ("vllm", "vLLM", True),
        ("organization_owner", "LM Studio", False),
        ("somebody", "", False),
    ],
)
def test_whose_server_it_is(owner: str, software: str, is_loaded: bool) -> None:
    found = model_lists.read_models(list_models("qwen3:4b", owner=owner, created=7))
    assert found == (software, (LocalModel("qwen3:4b", is_loaded, 7.0),))


def test_an_ollama_without_a_model() -> None:
    assert model_lists.read_models({"object": "list", "data": None}) == ("", ())


@pytest.mark.parametrize(
    "answer", [None, [], "x", {}, {"data": []}, {"object": "list"}, {"object": "list", "data": {}},
               {"object": "list", "data": ["x"]}, {"error": "Unexpected endpoint"}]
)  # fmt: skip
def test_what_is_no_list_of_models(answer: Any) -> None:
    assert model_lists.read_models(answer) is None


def test_models_that_cannot_talk_are_left_out() -> None:
    names = ("nomic-embed-text", "mxbai-embed-large:latest", "bge-m3", "all-minilm", "BAAI/bge-small-en", "e5-mistral",
             "qwen3-reranker", "whisper-1", "kokoro-tts", "gemma3:4b", "tinyllama", "granite4:3b")  # fmt: skip
    assert list_names(list_models(*names)) == ["gemma3:4b", "tinyllama", "granite4:3b"]


def test_models_that_run_elsewhere_are_left_out() -> None:
    assert list_names(list_models("gpt-oss:120b-cloud", "glm-5:cloud", "qwen3:4b")) == ["qwen3:4b"]
    tags = {
        "models": [
            {"name": "a", "remote_host": "https://ollama.com"},
            {"name": "b", "remote_model": "b"},
            {"name": "c"},
        ]
    }
    assert model_lists.read_tags(tags) == {"c": 0.0}


def test_what_ollama_has_loaded() -> None:
    tags = model_lists.read_tags(
        {
            "models": [
                {"name": "a", "modified_at": "2026-11-29T10:00:00.123456789+01:00"},
                {"name": "b", "modified_at": "yesterday"},
                {"name": "c", "details": {"family": "nomic-bert"}},
            ]
        }
    )
    assert tags == {"a": pytest.approx(1_795_942_800.123456), "b": 0.0}
    loaded = model_lists.read_loaded({"models": [{"name": "b", "expires_at": "2318-01-01T00:00:00Z"}]})
    models = (LocalModel("a"), LocalModel("b"), LocalModel("c"))
    [first, second] = model_lists.mark_loaded(models, tags, loaded)
    assert (first.is_loaded, second.is_loaded) == (False, True)
    assert second.used_at > first.used_at


def test_what_lm_studio_has_loaded() -> None:
    rows = [
        {"id": "a", "type": "llm", "state": "loaded"},
        {"id": "b", "type": "vlm", "state": "not-loaded"},
        {"id": "c", "type": "embeddings", "state": "loaded"},
    ]
    assert model_lists.read_states({"data": rows}) == {"a": True, "b": False}
    assert model_lists.read_states({"error": "Unexpected endpoint or method."}) is None
    assert model_lists.read_states(list_models("a")) is None


@pytest.mark.parametrize("name", ["", "x" * 201, "two\nlines", "bell\a", "\u202eback", 7, None, ["x"]])
def test_names_that_nobody_can_read(name: Any) -> None:
    assert list_names({"object": "list", "data": [{"id": name}]}) == []


def test_a_flood_of_models() -> None:
    names = [f"{'embe' * 40}{number}" for number in range(5_000)]  # looks like an embedding model for long
    assert len(list_names(list_models(*names))) == model_lists.MAX_MODELS
