import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ValidationError
from pytest_django import Settings

from accounts.security import encryption
from conversations.models import Assistant, McpServer
from conversations.storage import mcp_servers

pytestmark = pytest.mark.django_db


@pytest.fixture
def assistant() -> Assistant:
    return Assistant.objects.get(is_default=True)


def make_server(label: str, **fields: object) -> McpServer:
    return McpServer.objects.create(label=label, url="https://tools.example/mcp", **fields)


def test_it_works(assistant: Assistant) -> None:
    secret = encryption.encrypt("Bearer secret")
    house = make_server("house", authorization_encrypted=secret, allowed_tools=["light"], timeout_sec=3)
    assistant.mcp_servers.set([house, make_server("garden"), make_server("off", is_enabled=False)])
    make_server("another")
    garden, found = mcp_servers.list_usable(assistant)
    assert (garden.label, garden.authorization, garden.allowed_tools) == ("garden", "", ())
    assert (found.url, found.authorization) == ("https://tools.example/mcp", "Bearer secret")
    assert (found.allowed_tools, found.timeout_sec) == (("light",), 3)
    assert "secret" not in repr(found)


def test_a_server_that_cannot_be_decrypted_is_left_out_and_says_so(assistant: Assistant, settings: Settings) -> None:
    house = make_server("house", authorization_encrypted=encryption.encrypt("Bearer secret"), works=True)
    assistant.mcp_servers.set([house, make_server("garden")])
    settings.FIELD_ENCRYPTION_KEY = Fernet.generate_key().decode()
    assert [found.label for found in mcp_servers.list_usable(assistant)] == ["garden"]
    house.refresh_from_db()
    assert (house.works, house.verdict) == (False, mcp_servers.UNDECRYPTABLE)


def test_an_assistant_has_no_more_than_it_can_connect_to(assistant: Assistant) -> None:
    assistant.mcp_servers.set([make_server(f"s{number:02}") for number in range(12)])
    assert [found.label for found in mcp_servers.list_usable(assistant)] == [f"s{number:02}" for number in range(10)]


@pytest.mark.parametrize("label", ["site", "", "two words", "1st", "ä", "x" * 33])
def test_a_label_is_a_word_of_its_own(label: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        McpServer(label=label, url="https://tools.example/mcp").full_clean()
    assert list(wrong.value.message_dict) == ["label"]
