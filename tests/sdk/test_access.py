"""Who may connect, and what happens to those who may not."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.test import Client
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from accounts.keys import api_keys
from accounts.models import APIKey, User
from conversations.models import Conversation
from tests.support.live import Site
from tests.support.official_client import Connect
from tests.support.polling import wait_until_none
from tests.support.sockets import build_authorization, receive_first, receive_refusal

pytestmark = pytest.mark.usefixtures("committed_db")


@sync_to_async
def build_cookie(user: User) -> dict[str, str]:
    client = Client()
    client.force_login(user)
    return {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}


async def test_by_header(site: Site, key: str) -> None:
    async with open_socket(f"{site.ws_url}/v1/realtime", additional_headers=build_authorization(key)) as socket:
        assert (await receive_first(socket))["type"] == "session.created"
        assert socket.subprotocol is None


async def test_by_subprotocol_as_browsers_do(site: Site, key: str) -> None:
    offered = [Subprotocol("realtime"), Subprotocol(f"openai-insecure-api-key.{key}")]
    async with open_socket(f"{site.ws_url}/v1/realtime?model=any", subprotocols=offered) as socket:
        assert (await receive_first(socket))["type"] == "session.created"
        assert socket.subprotocol == "realtime"


async def test_by_cookie_from_a_page_of_this_site(site: Site, user: User) -> None:
    cookie = await build_cookie(user)
    async with open_socket(f"{site.ws_url}/v1/realtime", additional_headers=cookie, origin=Origin(site.url)) as socket:
        assert (await receive_first(socket))["type"] == "session.created"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1", None])
async def test_a_cookie_on_another_sites_page_is_refused(site: Site, user: User, origin: str | None) -> None:
    named = Origin(origin) if origin else None
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket(f"{site.ws_url}/v1/realtime", additional_headers=await build_cookie(user), origin=named):
            pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("wrong", ["", "vp_wrong", "ÿ", "vp_" + "a" * 46])
async def test_a_wrong_key(site: Site, wrong: str) -> None:
    async with open_socket(f"{site.ws_url}/v1/realtime", additional_headers=build_authorization(wrong)) as socket:
        assert await receive_refusal(socket) == ("invalid_api_key", 1008)


async def test_a_key_without_the_scope(site: Site, user: User) -> None:
    reader = (await sync_to_async(api_keys.create)(user, "reader", ["conversations.read"]))[1]
    async with open_socket(f"{site.ws_url}/v1/realtime", additional_headers=build_authorization(reader)) as socket:
        assert await receive_refusal(socket) == ("missing_scope", 1008)


async def test_nobody(site: Site) -> None:
    async with open_socket(f"{site.ws_url}/v1/realtime", origin=Origin(site.url)) as socket:
        assert await receive_refusal(socket) == ("invalid_api_key", 1008)


async def test_a_deactivated_user(site: Site, key: str, user: User) -> None:
    await User.objects.filter(pk=user.pk).aupdate(is_active=False)
    async with open_socket(f"{site.ws_url}/v1/realtime", additional_headers=build_authorization(key)) as socket:
        assert await receive_refusal(socket) == ("invalid_api_key", 1008)


async def test_a_revoked_key_ends_its_live_sessions(
    start_site: Callable[..., Site], redis_url: str, key: str, user: User
) -> None:
    """The key is revoked in another process than the session's, which hears of it through Redis."""
    site = start_site(REDIS_URL=redis_url)
    async with open_socket(f"{site.ws_url}/v1/realtime", additional_headers=build_authorization(key)) as socket:
        assert (await receive_first(socket))["type"] == "session.created"
        assert (await receive_first(socket))["type"] == "conversation.created"
        pk = (await APIKey.objects.aget(user=user)).pk
        imports = "from accounts.keys import api_keys; from accounts.models import APIKey"
        revoke = f"{imports}; api_keys.revoke(APIKey.objects.get(pk={pk}))"
        done = await sync_to_async(site.manage)("shell", "-c", revoke, REDIS_URL=redis_url)
        assert done.returncode == 0, done.stderr
        assert await receive_refusal(socket) == ("invalid_api_key", 1008)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("conversation={other}", "not_found"),
        ("conversation=conv_nothing", "not_found"),
        ("assistant=nobody", "not_found"),
        ("call_id=7", "invalid_value"),
    ],
)
async def test_what_is_not_there_or_not_theirs(site: Site, key: str, query: str, code: str) -> None:
    stranger = await sync_to_async(User.objects.create_user)(f"{uuid4().hex}@example.com")
    other = await Conversation.objects.acreate(user=stranger)
    url = f"{site.ws_url}/v1/realtime?{query.format(other=other.public_id)}"
    async with open_socket(url, additional_headers=build_authorization(key)) as socket:
        assert await receive_refusal(socket) == (code, 1008)


async def test_a_busy_server_says_so(start_site: Callable[..., Site], user: User, key: str) -> None:
    site = start_site(MAX_SESSIONS="1")
    async with open_socket(f"{site.ws_url}/v1/realtime", additional_headers=build_authorization(key)) as socket:
        await receive_first(socket)
        async with open_socket(f"{site.ws_url}/v1/realtime", additional_headers=build_authorization(key)) as second:
            assert await receive_refusal(second) == ("server_busy", 1013)


async def test_too_many_of_one_user(start_site: Callable[..., Site], user: User, key: str) -> None:
    site = start_site(MAX_SESSIONS_PER_USER="1")
    another = (await sync_to_async(api_keys.create)(user, "another"))[1]
    async with open_socket(f"{site.ws_url}/v1/realtime", additional_headers=build_authorization(key)) as socket:
        await receive_first(socket)
        async with open_socket(f"{site.ws_url}/v1/realtime", additional_headers=build_authorization(another)) as second:
            assert await receive_refusal(second) == ("too_many_sessions", 1008)


async def test_a_conversation_in_which_nothing_happened_leaves_no_trace(site: Site, connect: Connect) -> None:
    async with connect() as talk:
        await talk.wait_for("conversation.created")
        assert await Conversation.objects.filter(public_id=talk.conversation_id).aexists()
    await wait_until_none(Conversation.objects.filter(public_id=talk.conversation_id), patience_sec=10)


async def test_a_time_zone_that_is_none_is_refused(site: Site, key: str) -> None:
    url = f"{site.ws_url}/v1/realtime?time_zone="
    async with open_socket(url + "Vienna", additional_headers=build_authorization(key)) as socket:
        assert await receive_refusal(socket) == ("invalid_value", 1008)
    async with open_socket(url + "Europe/Vienna", additional_headers=build_authorization(key)) as socket:
        assert (await receive_first(socket))["type"] == "session.created"
