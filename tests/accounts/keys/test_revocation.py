"""A revoked key closes what it has opened, on a live site: in its own process, and through Redis in any."""

import json
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.test import Client
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from accounts.keys import api_keys
from accounts.models import APIKey
from tests.support.factories import make_user
from tests.support.live import Site, run_redis

pytestmark = pytest.mark.usefixtures("committed_db")
POLICY_VIOLATION = 1008


def test_on_its_page(live_site: Site) -> None:
    key, token = api_keys.create(make_user(), "radio")
    with _open_socket(live_site, token) as socket:
        _revoke_on_page(live_site, key)
        assert _read_close_code(socket) == POLICY_VIOLATION
    with _open_socket(live_site, token) as socket:
        assert _read_close_code(socket) == POLICY_VIOLATION


def test_from_another_process(start_site: Callable[..., Site], redis_url: str, settings: Any) -> None:
    site = start_site(REDIS_URL=redis_url)
    layer = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [redis_url]}}
    settings.CHANNEL_LAYERS = {"default": layer}
    key, token = api_keys.create(make_user(), "radio")
    with _open_socket(site, token) as socket:
        socket.recv(timeout=10)
        api_keys.revoke(key)
        assert _read_close_code(socket) == POLICY_VIOLATION


def test_a_redis_that_restarts_ends_no_session(start_site: Callable[..., Site], tmp_path: Path, settings: Any) -> None:
    key, token = api_keys.create(make_user(), "radio")
    with ExitStack() as redis:
        site = start_site(REDIS_URL=redis.enter_context(run_redis(tmp_path)))
        with _open_socket(site, token) as socket:
            socket.recv(timeout=10)
            redis.close()
            assert "error" not in _collect_events(socket, seconds=3)
            socket.send('{"type": "input_audio_buffer.clear"}')
            assert "input_audio_buffer.cleared" in _collect_events(socket, seconds=1)
    with _open_socket(site, token) as later, run_redis(tmp_path) as url:
        layer = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [url]}}
        settings.CHANNEL_LAYERS = {"default": layer}
        later.recv(timeout=10)
        api_keys.revoke(key)
        assert _read_close_code(later) == POLICY_VIOLATION
    assert "Traceback" not in site.log


def test_nobody_else_is_disconnected(live_site: Site) -> None:
    user = make_user()
    revoked, kept = api_keys.create(user, "radio"), api_keys.create(user, "lamp")
    with _open_socket(live_site, kept[1]) as other, _open_socket(live_site, revoked[1]) as socket:
        other.recv(timeout=10)
        _revoke_on_page(live_site, revoked[0])
        assert _read_close_code(socket) == POLICY_VIOLATION
        other.send('{"type": "input_audio_buffer.clear"}')
        assert "input_audio_buffer.cleared" in [json.loads(other.recv(timeout=10))["type"] for _ in range(2)]


def _open_socket(site: Site, token: str) -> ClientConnection:
    return connect(f"{site.ws_url}/v1/realtime", additional_headers={"Authorization": f"Bearer {token}"})


def _revoke_on_page(site: Site, key: APIKey) -> None:
    browser = Client()
    browser.force_login(key.user)
    url = f"{site.url}/settings/api-keys/{key.pk}/revoke/"
    with httpx2.Client(cookies={"sessionid": browser.cookies["sessionid"].value}) as client:
        client.get(url).raise_for_status()
        answer = client.post(url, data={"csrfmiddlewaretoken": client.cookies["csrftoken"]})
    assert answer.status_code == 302


def _read_close_code(socket: ClientConnection) -> int | None:
    with suppress(ConnectionClosed):
        while True:
            socket.recv(timeout=10)
    return socket.close_code


def _collect_events(socket: ClientConnection, seconds: float) -> list[str]:
    """Return the types of the events that come until none came for so many seconds."""
    heard = []
    with suppress(TimeoutError):
        while True:
            heard.append(json.loads(socket.recv(timeout=seconds))["type"])
    return heard
