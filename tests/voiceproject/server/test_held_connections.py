"""Nobody keeps the database from others by reading slowly, or by naming a provider that does not answer."""

import asyncio
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from urllib.parse import urlsplit
from urllib.request import Request, urlopen
from uuid import uuid4

import httpx2
import pytest
from django.test import Client
from django.urls import reverse
from websockets.sync.client import connect

from accounts.keys import api_keys
from accounts.models import User
from conversations.models import Conversation, Item
from conversations.realtime.protocol.ids import make_id
from tests.support.live import Site, run_site

PASSWORD = "correct horse battery"
READERS = 22  # more than the pool has connections


def create_person() -> tuple[User, str]:
    user = User.objects.create_user(f"{uuid4().hex}@example.com", PASSWORD)
    return user, api_keys.create(user, "tests")[1]


def create_large_conversation(user: User) -> str:
    """Create a conversation whose answer of 3 MB is more than all buffers on the way hold, and return its id."""
    made, text = Conversation.objects.create(user=user), "x" * 99_999
    Item.objects.bulk_create(
        Item(conversation=made, position=place, public_id=make_id("item"), role="user", status="completed", text=text)
        for place in range(30)
    )
    return made.public_id


@contextmanager
def open_unread(site: Site, path: str, *headers: str) -> Iterator[socket.socket]:
    """Ask for a page, and take no more than the first bytes of the answer."""
    address = urlsplit(site.url)
    with closing(socket.socket()) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(30)
        client.connect((address.hostname, address.port))
        client.sendall("\r\n".join((f"GET {path} HTTP/1.1", f"Host: {address.netloc}", *headers, "", "")).encode())
        yield client


def get(url: str, key: str = "") -> int:
    with urlopen(Request(url, headers={"Authorization": f"Bearer {key}"} if key else {}), timeout=8) as answer:
        return int(answer.status)


@pytest.fixture(scope="module")
def site(database_url: str) -> Iterator[Site]:
    with run_site(database_url, {"USER_BASE_URLS": "any", "TRUSTED_PROXY_COUNT": "1"}) as running:
        yield running


def test_readers_who_do_not_read(site: Site, committed_db: None) -> None:
    reader, key = create_person()
    _, other = create_person()
    path = f"/v1/conversations/{create_large_conversation(reader)}/items?limit=100"
    with ExitStack() as stack:
        headers = {"Authorization": f"Bearer {other}"}
        talk = stack.enter_context(connect(f"{site.ws_url}/v1/realtime", additional_headers=headers))
        clients = [stack.enter_context(open_unread(site, path, f"Authorization: Bearer {key}")) for _ in range(READERS)]
        statuses = sorted(client.recv(12).decode()[-3:] for client in clients)
        assert {"200"} <= set(statuses) <= {"200", "429"}
        assert get(f"{site.url}/readyz") == get(f"{site.url}/healthz") == get(f"{site.url}/v1/models", other) == 200
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Are you there?"}]}
        talk.send(json.dumps({"type": "conversation.item.create", "item": item}))
        kinds = [json.loads(talk.recv(timeout=8))["type"] for _ in range(4)]
        assert "conversation.item.added" in kinds


async def test_an_office_that_opens_the_page_at_once(site: Site) -> None:
    """Behind a proxy that speaks HTTP/2 each browser asks for all its files at once, and all have one address."""
    people, files = 8, 50
    async with httpx2.AsyncClient(base_url=site.url, timeout=30, limits=httpx2.Limits(max_connections=400)) as browser:
        answers = await asyncio.gather(*(browser.get("/static/js/main.js") for _ in range(people * files)))
    assert {answer.status_code for answer in answers} == {200}


@pytest.fixture
def tarpit() -> Iterator[socket.socket]:
    """A server that takes connections and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=200)) as listener:
        listener.settimeout(20)
        yield listener


def sign_in(user: User) -> dict[str, str]:
    """Return the headers of a user who has just given the password again, which keys ask for."""
    client = Client()
    client.force_login(user)
    assert client.post(reverse("account_reauthenticate"), {"password": PASSWORD}).status_code == 302
    return {"Cookie": f"sessionid={client.cookies['sessionid'].value}; csrftoken={'c' * 32}"}


def test_providers_who_do_not_answer(site: Site, committed_db: None, tarpit: socket.socket) -> None:
    _, other = create_person()
    savers = [sign_in(create_person()[0]) for _ in range(5)]
    url = f"{site.url}/settings/provider-keys/openai/"
    base_url = f"http://127.0.0.1:{tarpit.getsockname()[1]}/v1"
    form = {"openai-base_url": base_url, "openai-secret": "sk-x", "csrfmiddlewaretoken": "c" * 32}

    def save(headers: dict[str, str]) -> int:
        return browser.post(url, headers=headers, data=form).status_code

    with httpx2.Client(timeout=30) as browser, ThreadPoolExecutor(80) as threads, ExitStack() as asking:
        saved = [threads.submit(save, headers) for headers in savers * 16]
        for _ in range(READERS):
            asking.enter_context(tarpit.accept()[0])
        probes = [get(f"{site.url}{path}", other) for path in ("/readyz", "/healthz", "/v1/models")]
        assert probes == [200, 200, 200]
        asking.close()
        tarpit.close()
        assert {one.result() for one in saved} <= {302, 429}
