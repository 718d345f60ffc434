"""What is live ends within two seconds of whatever ended the right to it, also where another process did it."""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed

from accounts import connection_grants
from accounts.connection_grants import Grant
from accounts.deletion import delete_users
from accounts.keys import api_keys, client_secrets
from accounts.models import APIKey, ClientSecret, User
from tests.support.factories import make_user
from tests.support.live import Site

PASSWORD = "correct horse battery"
SOON_SEC = 2.0


def find_sessions(user: User) -> Any:
    mine = [row.pk for row in Session.objects.all() if row.get_decoded().get(SESSION_KEY) == str(user.pk)]
    return Session.objects.filter(pk__in=mine)


def post(site: Site, cookie: str, path: str, **data: str) -> None:
    """Post a form as the page in another tab does."""
    with httpx2.Client(cookies={"sessionid": cookie}, base_url=site.url) as client:
        client.get(path).raise_for_status()
        answer = client.post(path, data={"csrfmiddlewaretoken": client.cookies["csrftoken"], **data})
    assert answer.status_code == 302, answer.text


def sign_out(site: Site, user: User, cookie: str) -> None:
    post(site, cookie, "/accounts/logout/")


def change_password(site: Site, user: User, cookie: str) -> None:
    new = "a new and better one"
    post(site, cookie, "/accounts/password/change/", oldpassword=PASSWORD, password1=new, password2=new)


def reset_password(site: Site, user: User, cookie: str) -> None:
    """Set another password, as a reset does, or an admin."""
    user.set_password("chosen by somebody else")
    user.save()


def delete_session(site: Site, user: User, cookie: str) -> None:
    find_sessions(user).delete()


def expire_session(site: Site, user: User, cookie: str) -> None:
    find_sessions(user).update(expire_date=timezone.now())


def clear_sessions(site: Site, user: User, cookie: str) -> None:
    find_sessions(user).update(expire_date=timezone.now())
    call_command("clearsessions")


def deactivate(site: Site, user: User, _: str) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def delete_user(site: Site, user: User, _: str) -> None:
    delete_users(User.objects.filter(pk=user.pk))


def revoke_key(site: Site, user: User, _: str) -> None:
    APIKey.objects.filter(user=user).update(revoked_at=timezone.now())


def delete_key(site: Site, user: User, _: str) -> None:
    APIKey.objects.filter(user=user).delete()


def remove_scope(site: Site, user: User, _: str) -> None:
    APIKey.objects.filter(user=user).update(scopes=["conversations.read"])


def expire_secret(site: Site, user: User, _: str) -> None:
    ClientSecret.objects.filter(key__user=user).update(expires_at=timezone.now())


def delete_secret(site: Site, user: User, _: str) -> None:
    ClientSecret.objects.filter(key__user=user).delete()


Ending = Callable[[Site, User, str], None]
WITH_COOKIE: tuple[Ending, ...] = (
    sign_out, change_password, reset_password, delete_session, expire_session, clear_sessions, deactivate, delete_user
)  # fmt: skip
WITH_KEY: tuple[Ending, ...] = (deactivate, delete_user, revoke_key, delete_key, remove_scope)
WITH_SECRET: tuple[Ending, ...] = (*WITH_KEY, expire_secret, delete_secret)


async def wait_for_end(socket: ClientConnection) -> tuple[str, int | None, float]:
    """Return the code of the last error, the close code, and the time of the end."""
    code = ""
    with suppress(ConnectionClosed):
        while True:
            code = json.loads(await socket.recv()).get("error", {}).get("code", "")
    return code, socket.close_code, time.monotonic()


@sync_to_async
def sign_in() -> tuple[User, str, dict[str, str]]:
    user, browser = make_user(password=PASSWORD), Client()
    browser.force_login(user)
    cookie = browser.cookies["sessionid"].value
    return user, cookie, {"Cookie": f"sessionid={cookie}"}


@sync_to_async
def create_key(*, with_secret: bool) -> tuple[User, str, dict[str, str]]:
    user = make_user()
    key, token = api_keys.create(user, "radio")
    if with_secret:
        token = client_secrets.mint(key.pk, {}, 600)[1]
    return user, "", {"Authorization": f"Bearer {token}"}


async def end_session(
    site: Site, caller: tuple[User, str, dict[str, str]], ending: Ending
) -> tuple[str, int | None, float]:
    """Return the error code and the close code with which the caller's socket ends, and after how many seconds."""
    user, cookie, headers = caller
    async with open_socket(f"{site.ws_url}/v1/realtime", additional_headers={"Origin": site.url, **headers}) as socket:
        await socket.recv()
        ending_of_it = asyncio.create_task(wait_for_end(socket))
        await sync_to_async(ending, thread_sensitive=False)(site, user, cookie)
        done_at = time.monotonic()
        async with asyncio.timeout(10):
            code, close_code, ended_at = await ending_of_it
        return code, close_code, ended_at - done_at


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("kind", ["cookie", "key", "secret"])
async def test_it_ends(live_site: Site, kind: str) -> None:
    endings = {"cookie": WITH_COOKIE, "key": WITH_KEY, "secret": WITH_SECRET}[kind]
    callers = [await (sign_in() if kind == "cookie" else create_key(with_secret=kind == "secret")) for _ in endings]
    both = zip(callers, endings, strict=True)
    results = await asyncio.gather(*(end_session(live_site, caller, ending) for caller, ending in both))
    told = {ending.__name__: result for ending, result in zip(endings, results, strict=True)}
    assert {name: result[:2] for name, result in told.items()} == dict.fromkeys(told, ("invalid_api_key", 1008))
    assert {name: sec for name, (_, _, sec) in told.items() if sec > SOON_SEC} == {}


@pytest.mark.usefixtures("committed_db")
async def test_a_session_ends_with_its_client_secret(live_site: Site) -> None:
    """It is told beforehand when it will end, and does: upstream it would go on."""
    user = await sync_to_async(make_user)()
    key, _ = await sync_to_async(api_keys.create)(user, "radio")
    secret, token = await sync_to_async(client_secrets.mint)(key.pk, {}, 2)
    headers = {"Authorization": f"Bearer {token}"}
    async with open_socket(f"{live_site.ws_url}/v1/realtime", additional_headers=headers) as socket:
        session = json.loads(await socket.recv())["session"]
        assert session["expires_at"] <= secret.expires_at.timestamp()
        async with asyncio.timeout(10):
            _, close_code, _ = await wait_for_end(socket)
    assert close_code == 1008
    assert abs(time.time() - secret.expires_at.timestamp()) < SOON_SEC


@pytest.mark.usefixtures("db")
class TestGrants:
    def test_one_query_for_all(self, django_assert_num_queries: Any) -> None:
        user = make_user()
        keys = [api_keys.create(user, "radio")[0] for _ in range(5)]
        secret, _ = client_secrets.mint(keys[0].pk, {}, 60)
        grants = {Grant(user.pk), *(Grant(user.pk, key.pk) for key in keys), Grant(user.pk, keys[0].pk, secret.pk)}
        gone = {Grant(user.pk + 1000), Grant(user.pk, session_key="unknown"), Grant(user.pk, keys[0].pk, secret.pk + 1)}
        with django_assert_num_queries(1):
            assert connection_grants.filter_valid(grants | gone) == grants

    def test_a_session_counts_with_the_password_of_its_sign_in(self) -> None:
        user = make_user(password=PASSWORD)
        Session.objects.create(session_key="one", session_data="", expire_date=timezone.now() + timedelta(hours=1))
        grant = Grant(user.pk, session_key="one", session_hash=user.get_session_auth_hash())
        forged = Grant(user.pk, session_key="one", session_hash="")
        assert connection_grants.filter_valid([grant, forged]) == {grant}
        user.set_password("another one")
        user.save()
        assert connection_grants.filter_valid([grant]) == set()

    def test_a_secret_of_a_key_that_may_not_talk_opens_nothing(self) -> None:
        key, _ = api_keys.create(make_user(), "radio")
        _, token = client_secrets.mint(key.pk, {}, 60)
        assert client_secrets.authenticate(token)
        APIKey.objects.update(scopes=["conversations.read"])
        assert client_secrets.authenticate(token) is None
