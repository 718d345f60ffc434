"""No request has a connection to Postgres in hand while its client reads, or while somebody else is to answer."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.test import Client

from accounts.keys import api_keys
from accounts.models import User
from accounts.provider_keys import keyring
from conversations.models import Conversation, McpServer
from tests.support.factories import make_conversation, make_user
from voiceproject.database.base import get_request_share
from voiceproject.http.request_handling import Handler

pytestmark = pytest.mark.usefixtures("committed_db")
CSRF = "c" * 32
Headers = dict[str, str]


class Watcher:
    """It notes how many connections requests hold, each time that it looks."""

    def __init__(self) -> None:
        self.size = count_free()
        self.held: list[int] = []

    def look(self) -> None:
        self.held.append(self.size - count_free())

    def ask(self, path: str, headers: Headers, form: dict[str, str] | None = None) -> int:
        """Look as the answer begins to be sent, and return its status."""
        given = {**headers, "host": "localhost", "content-type": "application/x-www-form-urlencoded"}
        scope = {
            "type": "http",
            "method": "POST" if form else "GET",
            "path": urlsplit(path).path,
            "query_string": urlsplit(path).query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 80),
        }
        return async_to_sync(self._answer)(scope, urlencode(form or {}).encode())

    async def _answer(self, scope: dict[str, Any], body: bytes) -> int:
        statuses: list[int] = []
        asked = asyncio.Queue[dict[str, Any]]()
        asked.put_nowait({"type": "http.request", "body": body})

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
                self.look()

        await Handler()(scope, asked.get, send)
        return statuses[0]


def count_free() -> int:
    """Return how many connections requests may still take: take all of them, and give them back."""
    share, free = get_request_share(), 0
    while share.take(0):
        free += 1
    for _ in range(free):
        share.give()
    return free


def get_owner(talk: Conversation) -> User:
    assert talk.user  # it is not being deleted
    return talk.user


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    cache.clear()
    yield Watcher()
    cache.clear()


@pytest.fixture
def server(watcher: Watcher) -> Iterator[str]:
    """The address of a provider. When it is called, it has the watcher look, and hangs up."""

    def listen() -> None:
        with suppress(OSError):
            while True:
                called, _ = listener.accept()
                watcher.look()
                called.close()

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listening = threading.Thread(target=listen)
        listening.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    listening.join()


@pytest.fixture(scope="module")
def talk(django_db_setup: None, django_db_blocker: Any) -> Conversation:
    with django_db_blocker.unblock():
        user = make_user(is_staff=True, is_superuser=True)
        return make_conversation(user, "Good morning.", "And to you.", sound=True)


def sign_in(user: User) -> Headers:
    client = Client()
    client.force_login(user)
    return {"cookie": f"sessionid={client.cookies['sessionid'].value}; csrftoken={CSRF}"}


AUDIO = "/v1/conversations/{0.public_id}/items/{1.public_id}/audio"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/models", 200),
        ("/v1/models/nobody", 404),
        ("/v1/conversations/{0.public_id}/items", 200),
        ("/v1/conversations/{0.public_id}/audio", 200),
        (AUDIO, 200),
    ],
)
def test_an_answer_of_the_api(watcher: Watcher, talk: Conversation, path: str, status: int) -> None:
    _, key = api_keys.create(get_owner(talk), "tests")
    assert watcher.ask(path.format(talk, talk.items.first()), {"authorization": f"Bearer {key}"}) == status
    assert watcher.held == [0]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/conversations/{0.public_id}/", 200),
        ("/conversations/nowhere/", 404),
        ("/settings/", 200),
        ("/clips/{1.pk}.ogg", 200),
        ("/admin/conversations/conversation/{0.pk}/change/", 200),
        ("/admin/accounts/user/", 200),
    ],
)
def test_a_page(watcher: Watcher, talk: Conversation, path: str, status: int) -> None:
    assert watcher.ask(path.format(talk, talk.items.first()), sign_in(get_owner(talk))) == status
    assert watcher.held == [0]


def test_a_provider_key_saved_and_tried_again(watcher: Watcher, server: str, settings: Any) -> None:
    settings.USER_BASE_URLS = "any"
    user = make_user()
    form = {"openai-base_url": f"http://{server}/v1", "openai-secret": "sk-x", "csrfmiddlewaretoken": CSRF}
    assert watcher.ask("/settings/provider-keys/openai/", sign_in(user), form) == 302
    assert watcher.ask("/settings/provider-keys/openai/test/", sign_in(user), form) == 302
    assert watcher.held == [0] * 4


def test_a_provider_key_tried_by_staff(watcher: Watcher, server: str, talk: Conversation, settings: Any) -> None:
    settings.USER_BASE_URLS = "any"
    key = keyring.save(get_owner(talk), "openai", "sk-x", f"http://{server}/v1")
    form = {"action": "try_again", "_selected_action": str(key.pk), "csrfmiddlewaretoken": CSRF}
    assert watcher.ask("/admin/accounts/providerkey/", sign_in(get_owner(talk)), form) == 302
    assert set(watcher.held) == {0}


def test_a_tool_server_saved_and_tried_again(watcher: Watcher, server: str, talk: Conversation) -> None:
    form = {"label": "tarpit", "url": f"http://{server}/mcp", "timeout_sec": "5", "csrfmiddlewaretoken": CSRF}
    assert watcher.ask("/admin/conversations/mcpserver/add/", sign_in(get_owner(talk)), form) == 302
    made = McpServer.objects.get(label="tarpit")
    assert made.verdict
    again = {"action": "try_again", "_selected_action": str(made.pk), "csrfmiddlewaretoken": CSRF}
    assert watcher.ask("/admin/conversations/mcpserver/", sign_in(get_owner(talk)), again) == 302
    assert len(watcher.held) >= 4
    assert set(watcher.held) == {0}
    made.delete()


def test_a_mail(watcher: Watcher, server: str, talk: Conversation, settings: Any) -> None:
    settings.EMAIL_BACKEND = "voiceproject.mail.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = server.split(":")
    form = {"email": get_owner(talk).email, "csrfmiddlewaretoken": CSRF}
    assert watcher.ask("/accounts/password/reset/", {"cookie": f"csrftoken={CSRF}"}, form) == 302
    assert len(watcher.held) == 2
    assert set(watcher.held) == {0}
