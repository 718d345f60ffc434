"""Which of the models that were found is used."""

import pytest

from conversations.engines.local_servers.addresses import Address
from conversations.engines.local_servers.found import Found, LocalModel, LocalServer, choose_model

OLLAMA = LocalServer(
    "Ollama",
    Address("127.0.0.1", 11434),
    (LocalModel("old", used_at=1), LocalModel("new", used_at=2), LocalModel("loaded", is_loaded=True, used_at=0.5)),
)
OTHER = LocalServer("vLLM", Address("::1", 8000), (LocalModel("other", used_at=3),))


@pytest.mark.parametrize(
    ("servers", "wishes", "name"),
    [
        ((OLLAMA, OTHER), (), "loaded"),
        ((OTHER,), (), "other"),
        ((OLLAMA, OTHER), ("", "old"), "old"),
        ((OLLAMA, OTHER), ("gone", "other"), "other"),
        ((OLLAMA, OTHER), ("gone", ""), "loaded"),
    ],
)
def test_the_wish_comes_first_and_then_what_was_used_last(
    servers: tuple[LocalServer, ...], wishes: tuple[str, ...], name: str
) -> None:
    choice = choose_model(Found((), servers), wishes)
    assert choice is not None
    assert choice.model.name == name


def test_nothing_there() -> None:
    assert choose_model(Found(()), ("old",)) is None
    assert choose_model(Found((), (LocalServer("Ollama", Address("127.0.0.1", 1), ()),))) is None


def test_where_its_routes_are() -> None:
    assert OLLAMA.base_url == "http://127.0.0.1:11434/v1"
    assert OTHER.base_url == "http://[::1]:8000/v1"
