"""The unmodified official client against a live site, in its sync and its async form."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack

import httpx2
import pytest
from asgiref.sync import sync_to_async
from openai import (
    AsyncOpenAI,
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    OpenAI,
    PermissionDeniedError,
    RateLimitError,
)
from openai.types.conversations import Message

from accounts.keys import api_keys
from conversations.models import Conversation
from tests.support.factories import add_clip, add_item, make_conversation, make_user
from tests.support.live import Site

ClientOf = Callable[[Site, str], OpenAI]
pytestmark = pytest.mark.usefixtures("committed_db")


def create_key(*scopes: str) -> str:
    return api_keys.create(make_user(), "tests", *([scopes] if scopes else []))[1]


def read_words(item: object) -> str:
    assert isinstance(item, Message)
    return str(getattr(item.content[0], "text", ""))


@pytest.fixture
def client_of(committed_db: None) -> Iterator[ClientOf]:
    with ExitStack() as clients:
        yield lambda site, key: clients.enter_context(OpenAI(api_key=key, base_url=f"{site.url}/v1", max_retries=0))


@pytest.fixture
def client(live_site: Site, client_of: ClientOf) -> OpenAI:
    return client_of(live_site, create_key())


@pytest.fixture
async def aclient(live_site: Site, committed_db: None) -> AsyncIterator[AsyncOpenAI]:
    url, key = f"{live_site.url}/v1", await sync_to_async(create_key)()
    async with AsyncOpenAI(api_key=key, base_url=url, websocket_base_url=url.replace("http", "ws")) as client:
        yield client


def test_models(client: OpenAI) -> None:
    ids = [model.id for model in client.models.list()]
    assert "assistant" in ids
    assert client.models.retrieve("assistant").owned_by == "site"


def test_a_conversations_life(client: OpenAI) -> None:
    made = client.conversations.create(metadata={"a": "1"}, items=[{"role": "user", "content": "One"}])
    assert client.conversations.retrieve(made.id) == made
    assert client.conversations.update(made.id, metadata={"b": "2"}).metadata == {"b": "2"}
    more = [{"type": "message", "role": "user", "content": str(number)} for number in range(4)]
    added = client.conversations.items.create(made.id, items=more)  # type: ignore[arg-type]
    listed = client.conversations.items.list(made.id, limit=2, order="asc", include=["message.output_text.logprobs"])
    words = [read_words(item) for item in listed]
    assert words == ["One", "0", "1", "2", "3"]
    last = client.conversations.items.retrieve(added.last_id, conversation_id=made.id)
    assert last == added.data[-1]
    assert client.conversations.items.delete(added.last_id, conversation_id=made.id).id == made.id
    assert client.conversations.delete(made.id).deleted
    with pytest.raises(NotFoundError, match="no conversation"):
        client.conversations.items.list(made.id)


async def test_what_was_said_over_the_socket(aclient: AsyncOpenAI) -> None:
    """A conversation is made by HTTP, goes on over the socket, and is read by HTTP."""
    made = await aclient.conversations.create(metadata={"a": "1"})
    async with aclient.realtime.connect(extra_query={"conversation": made.id}):
        pass  # nothing is said, and it is still there
    async with aclient.realtime.connect(extra_query={"conversation": made.id}) as talk:
        await talk.conversation.item.create(
            item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello there"}]}
        )
        await talk.response.create(response={"output_modalities": ["text"]})
        async for event in talk:
            if event.type == "response.done":
                break
    items = [item async for item in aclient.conversations.items.list(made.id, order="asc")]
    roles = [(item.role, item.content[0].type) for item in items if isinstance(item, Message)]
    assert roles == [("user", "input_text"), ("assistant", "output_text")]
    assert read_words(items[1])
    assert (await aclient.conversations.retrieve(made.id)).metadata == {"a": "1"}
    assert (await aclient.conversations.delete(made.id)).deleted


async def test_async_paging(aclient: AsyncOpenAI) -> None:
    made = await aclient.conversations.create(items=[{"role": "user", "content": str(number)} for number in range(5)])
    words = [read_words(item) async for item in aclient.conversations.items.list(made.id, limit=2)]
    assert words == ["4", "3", "2", "1", "0"]
    assert "assistant" in [model.id async for model in aclient.models.list()]


def test_errors_are_the_clients_own(live_site: Site, client: OpenAI, client_of: ClientOf) -> None:
    with pytest.raises(AuthenticationError) as refused:
        client_of(live_site, "vp_wrong").models.list()
    assert refused.value.code == "invalid_api_key"
    with pytest.raises(PermissionDeniedError, match=r"conversations\.write"):
        client_of(live_site, create_key("conversations.read")).conversations.create()
    with pytest.raises(BadRequestError) as wrong:
        client.conversations.create(metadata={"a": "x" * 600})
    assert wrong.value.param == "metadata.a"
    theirs = make_conversation(make_user(), "Secret")
    with pytest.raises(NotFoundError):
        client.conversations.retrieve(theirs.public_id)


def test_requests_are_counted_over_processes(
    start_site: Callable[..., Site], redis_url: str, client_of: ClientOf
) -> None:
    key = create_key()
    sites = [start_site(REDIS_URL=redis_url, API_REQUESTS_PER_MIN="3") for _ in range(2)]
    clients = [client_of(site, key) for site in sites]

    def ask() -> None:
        for attempt in range(8):  # more than twice the limit: a minute may just end
            answer = clients[attempt % 2].models.with_raw_response.list()
            assert answer.headers["x-ratelimit-limit-requests"] == "3"

    with pytest.raises(RateLimitError) as refused:
        ask()
    assert refused.value.code == "rate_limit_exceeded"
    assert int(refused.value.response.headers["retry-after"]) > 0


def test_the_sound_over_a_live_site(live_site: Site, client_of: ClientOf) -> None:
    """The real server streams it."""
    owner = make_user()
    conversation: Conversation = make_conversation(owner)
    for words in ("Hello", "Hi"):
        add_clip(add_item(conversation, words), 400)
    client = client_of(live_site, api_keys.create(owner, "tests")[1])
    answer = client.get(f"/conversations/{conversation.public_id}/audio", cast_to=bytes)
    assert bytes(answer).startswith(b"OggS")
    url = f"{live_site.url}/v1/conversations/{conversation.public_id}/audio"
    head = httpx2.head(url, headers={"Authorization": f"Bearer {client.api_key}"})
    assert (head.status_code, head.headers.get("content-length"), head.content) == (200, None, b"")
