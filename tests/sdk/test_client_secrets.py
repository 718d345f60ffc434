"""What a client secret opens, with the official client and as browsers connect."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from openai import AsyncOpenAI
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket
from websockets.typing import Origin, Subprotocol

from accounts.keys import api_keys
from accounts.models import APIKey, ClientSecret, User
from tests.support.live import Site
from tests.support.realtime import wire
from tests.support.sockets import build_authorization, receive_first, receive_refusal

pytestmark = pytest.mark.usefixtures("committed_db")
PIRATE = {
    "type": "realtime",
    "model": "assistant",
    "instructions": "Speak like a pirate.",
    "output_modalities": ["text"],
}


@pytest.fixture
async def client(site: Site, key: str) -> AsyncIterator[AsyncOpenAI]:
    url = f"{site.url}/v1"
    async with AsyncOpenAI(api_key=key, base_url=url, websocket_base_url=url.replace("http", "ws")) as official:
        yield official


@pytest.fixture
async def secret(client: AsyncOpenAI) -> str:
    return (await client.realtime.client_secrets.create(session=PIRATE)).value  # type: ignore[arg-type]


def open_as_browser(site: Site, secret: str, **options: Any) -> Any:
    offered = [Subprotocol("realtime"), Subprotocol(f"openai-insecure-api-key.{secret}")]
    return open_socket(f"{site.ws_url}/v1/realtime?model=gpt-realtime", subprotocols=offered, **options)


async def receive_session(socket: ClientConnection) -> dict[str, Any]:
    raw = str(await socket.recv())
    event: dict[str, Any] = json.loads(raw)
    wire.check_event(event, raw)
    assert event["type"] == "session.created"
    session: dict[str, Any] = event["session"]
    return session


async def test_a_session_begins_as_the_secret_says(site: Site, client: AsyncOpenAI) -> None:
    made = await client.realtime.client_secrets.create(session=PIRATE)  # type: ignore[arg-type]
    for _ in range(2):  # it is good for several
        async with open_as_browser(site, made.value) as socket:
            assert socket.subprotocol == "realtime"
            session = await receive_session(socket)
            told = made.session.to_dict()
            differing = {key for key in session if session[key] != told.get(key)}
            assert differing == {"id", "expires_at"}
            assert {key: session[key] for key in PIRATE} == PIRATE


async def test_whoever_made_it_chose_the_assistant(site: Site, client: AsyncOpenAI) -> None:
    """Whoever got the secret cannot choose another, by any part of the address."""
    tutor = {"type": "realtime", "model": "tutor"}
    made = await client.realtime.client_secrets.create(session=tutor)  # type: ignore[arg-type]
    for query in ("assistant=interviewer", "assistant=nobody", "model=interviewer"):
        async with open_socket(
            f"{site.ws_url}/v1/realtime?{query}", additional_headers=build_authorization(made.value)
        ) as socket:
            session = await receive_session(socket)
            assert (session["model"], session["instructions"]) == ("tutor", made.session.instructions)  # type: ignore[union-attr]


async def test_the_official_client_talks_with_one(site: Site, secret: str) -> None:
    url = f"{site.url}/v1"
    async with (
        AsyncOpenAI(api_key=secret, base_url=url, websocket_base_url=url.replace("http", "ws")) as official,
        official.realtime.connect(model="gpt-realtime") as talk,
    ):
        part = {"type": "input_text", "text": "Hello"}
        await talk.conversation.item.create(item={"type": "message", "role": "user", "content": [part]})  # type: ignore[arg-type,misc]
        await talk.response.create()
        async for event in talk:
            if event.type == "response.done":
                assert event.response.status == "completed"
                break


async def test_one_that_has_expired(site: Site, secret: str, user: User) -> None:
    async with open_as_browser(site, secret) as before:
        await receive_first(before)
        await ClientSecret.objects.filter(key__user=user).aupdate(expires_at="2026-01-01T00:00Z")
        async with open_as_browser(site, secret) as socket:
            assert await receive_refusal(socket) == ("invalid_api_key", 1008)
        while (event := await receive_first(before))["type"] != "error":  # what runs ends too
            pass
        assert event["error"]["code"] == "invalid_api_key"


async def test_revoking_its_key_ends_its_sessions(
    start_site: Callable[..., Site], redis_url: str, key: str, user: User, settings: Any
) -> None:
    site = start_site(REDIS_URL=redis_url)
    async with AsyncOpenAI(api_key=key, base_url=f"{site.url}/v1") as official:
        secret = (await official.realtime.client_secrets.create()).value
    layer = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [redis_url]}}
    settings.CHANNEL_LAYERS = {"default": layer}
    async with open_as_browser(site, secret) as socket:
        assert (await receive_first(socket))["type"] == "session.created"
        assert (await receive_first(socket))["type"] == "conversation.created"
        await sync_to_async(lambda: api_keys.revoke(APIKey.objects.get(user=user)))()
        assert await receive_refusal(socket) == ("invalid_api_key", 1008)


async def test_one_that_no_longer_fits(site: Site, secret: str, user: User) -> None:
    await ClientSecret.objects.filter(key__user=user).aupdate(session={"audio": {"output": {"speed": 99}}})
    async with open_as_browser(site, secret) as socket:
        assert await receive_refusal(socket) == ("invalid_value", 1008)


async def test_which_pages_may_connect(start_site: Callable[..., Site], site: Site, key: str) -> None:
    """Pages of other origins are refused only where a site names some; programs send no origin."""
    async with open_as_browser(site, key, origin=Origin("https://any.example")) as socket:
        assert (await receive_first(socket))["type"] == "session.created"
    strict = start_site(API_ALLOWED_ORIGINS="https://app.example, https://two.example")
    for origin in ("https://app.example", "https://two.example", strict.url):
        async with open_as_browser(strict, key, origin=Origin(origin)) as socket:
            assert (await receive_first(socket))["type"] == "session.created"
    async with open_socket(f"{strict.ws_url}/v1/realtime", additional_headers=build_authorization(key)) as socket:
        assert (await receive_first(socket))["type"] == "session.created"
    for origin in ("https://any.example", "http://app.example", "null"):
        async with open_as_browser(strict, key, origin=Origin(origin)) as socket:
            assert await receive_refusal(socket) == ("origin_not_allowed", 1008)
