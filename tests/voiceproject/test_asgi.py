"""What answers where: probes, pages, the socket, and nothing else."""

import json
import resource
from collections.abc import Callable
from urllib.request import Request, urlopen

import psycopg
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from accounts.keys import api_keys
from accounts.models import User
from tests.support.databases import LIVE
from tests.support.live import Site, manage, read_readiness, run_site
from voiceproject.server.process import OPEN_FILES


def test_a_socket_where_there_is_none(live_site: Site) -> None:
    with pytest.raises(InvalidStatus) as refusal, connect(f"{live_site.ws_url}/v1/elsewhere"):
        pass
    assert refusal.value.response.status_code == 403
    assert "Traceback" not in live_site.log


def test_a_large_message_is_taken(live_site: Site, committed_db: None) -> None:
    """It has 15 MiB of base64, as much as one official append may hold."""
    _, key = api_keys.create(User.objects.create_user("large-message@example.com"), "test")
    with connect(f"{live_site.ws_url}/v1/realtime", additional_headers={"Authorization": f"Bearer {key}"}) as socket:
        socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": "A" * 15 * 1024 * 1024}))
        socket.send(json.dumps({"type": "unknown", "event_id": "after"}))
        while "after" not in socket.recv(timeout=20, decode=True):
            pass


def test_not_ready_without_postgres(live_site: Site) -> None:
    """The probe says so, and it does not take long."""
    name = "voiceproject_gone"
    with psycopg.connect(live_site.database_url, autocommit=True) as postgres:
        postgres.execute(f"CREATE DATABASE {name}")
        url = live_site.database_url.replace(f"/{LIVE}?", f"/{name}?")
        with run_site(url, {}) as site:
            postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")
            told = read_readiness(site)
            assert told["status"] == "not ready"
            assert told["checks"].pop("database") != "ok"
            assert told["checks"].pop("migrations") == "unknown"
            assert set(told["checks"].values()) == {"ok"}
            assert urlopen(f"{site.url}/healthz").read() == b"ok\n"


def test_superuser_unattended(database_url: str) -> None:
    env = {"DATABASE_URL": database_url, "DJANGO_SUPERUSER_EMAIL": "unattended@example.com"}
    result = manage("createsuperuser", "--noinput", env={**env, "DJANGO_SUPERUSER_PASSWORD": "a good long one"})
    assert result.returncode == 0, result.stderr
    again = manage("createsuperuser", "--noinput", env={**env, "DJANGO_SUPERUSER_PASSWORD": "a good long one"})
    assert again.returncode == 1
    assert again.stderr.count("\n") == 1


@pytest.mark.parametrize("prefix", ["https://elsewhere.example", "//elsewhere.example", "/below", "\xff"])
def test_no_stranger_says_where_links_begin(live_site: Site, prefix: str) -> None:
    """Otherwise the link in a mail that resets a password could lead to another site, with the token in it."""
    with urlopen(Request(live_site.url, headers={"Daphne-Root-Path": prefix})) as page:
        assert 'href="/accounts/login/"' in page.read().decode()


def test_a_subprotocol_that_is_no_text(live_site: Site) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        connect(f"{live_site.ws_url}/v1/realtime", additional_headers={"Sec-WebSocket-Protocol": "\xff"})
    assert refusal.value.response.status_code == 400
    assert "Traceback" not in live_site.log


def test_a_flood_of_pings_is_cut_off(live_site: Site, committed_db: None) -> None:
    """Autobahn answers them one by one, and the session never sees them."""
    _, key = api_keys.create(User.objects.create_user("pings@example.com"), "test")
    authorization = {"Authorization": f"Bearer {key}"}
    with connect(f"{live_site.ws_url}/v1/realtime", additional_headers=authorization) as socket:

        def flood() -> None:
            for _ in range(200_000):
                socket.ping()

        with pytest.raises(ConnectionClosed):
            flood()
    assert "Traceback" not in live_site.log


def test_as_many_open_files_as_connections_are_allowed(start_site: Callable[..., Site]) -> None:
    """The site raises the limit, however low it is when it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))  # the site has it from this process
    try:
        site = start_site()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert resource.prlimit(site.process.pid, resource.RLIMIT_NOFILE)[0] == min(hard, OPEN_FILES)
