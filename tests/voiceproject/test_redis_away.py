"""Redis goes and comes back: nobody is kept out, and no conversation ends."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from django.core.cache.backends.redis import RedisCache
from websockets.sync.client import ClientConnection, connect

from accounts.keys import api_keys
from accounts.models import User
from tests.support.live import Site, read_readiness, run_redis, run_site
from voiceproject.cache import shared_cache
from voiceproject.cache.shared_cache import SharedCache

PASSWORD = "correct horse battery"


@pytest.fixture
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis is asked each time, and not only after a while."""
    monkeypatch.setattr(shared_cache, "AWAY_SEC", 0.0)


@pytest.mark.usefixtures("no_wait")
def test_a_cache_whose_redis_goes_and_comes_back(tmp_path: Path) -> None:
    url = f"unix://{tmp_path / 'redis.sock'}"
    cache = SharedCache(url, {})
    with run_redis(tmp_path):
        assert cache.add("count", 1, 60)
        assert cache.incr("count") == 2
        assert cache.ping()
    assert not cache.ping()
    assert cache.get("count") is None  # each process begins anew
    with pytest.raises(ValueError, match="count"):
        cache.incr("count")
    assert cache.add("count", 1, 60)
    assert not cache.add("count", 5, 60)
    assert cache.incr("count") == 2
    cache.set_many({"a": 1, "b": 2})
    assert cache.get_many(["a", "b", "c"]) == {"a": 1, "b": 2}
    assert cache.get_or_set("d", 4) == 4
    cache.delete_many(["a"])
    assert ("a" in cache, "b" in cache, cache.touch("b", 5), cache.delete("b")) == (False, True, True, True)
    with run_redis(tmp_path):
        assert cache.ping()
        assert cache.get("d") is None
        cache.clear()


def test_everything_a_cache_does_is_covered() -> None:
    """What the base class builds upon these methods is covered with them."""
    own = {name for name, value in vars(RedisCache).items() if callable(value) and not name.startswith("_")}
    assert own - {"get_backend_timeout"} <= set(vars(SharedCache))


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[ExitStack]:
    with ExitStack() as stack:
        stack.enter_context(run_redis(tmp_path))
        yield stack


def sign_in(site: Site, user: User) -> int:
    with httpx2.Client(base_url=site.url, timeout=20) as browser:
        browser.get("/accounts/login/")
        form = {"login": user.email, "password": PASSWORD, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        return browser.post("/accounts/login/", data=form).status_code


def wait_for_answer(talk: ClientConnection) -> None:
    """Write an item, and return once the site has stored it."""
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Are you there?"}]}
    talk.send(json.dumps({"type": "conversation.item.create", "item": item}))
    while (kind := json.loads(talk.recv(timeout=10))["type"]) != "conversation.item.done":
        assert kind != "error"


def wait_until_it_tells(site: Site, state: str) -> None:
    """Ask until the site reports this state: one answer of /readyz serves all who ask within half a second."""
    give_up_at = time.monotonic() + 10
    while (told := read_readiness(site))["status"] != state:
        assert time.monotonic() < give_up_at, told
        time.sleep(0.05)


def test_a_site_whose_redis_goes_and_comes_back(
    database_url: str, committed_db: None, redis: ExitStack, tmp_path: Path
) -> None:
    user = User.objects.create_user(f"{uuid4().hex}@example.com", PASSWORD)
    user.vouch_for_email()
    headers = {"Authorization": f"Bearer {api_keys.create(user, 'tests')[1]}"}
    env = {"REDIS_URL": f"unix://{tmp_path / 'redis.sock'}"}
    with (
        run_site(database_url, env) as site,
        connect(f"{site.ws_url}/v1/realtime", additional_headers=headers) as talk,
    ):
        wait_until_it_tells(site, "ready")
        wait_for_answer(talk)
        redis.close()
        wait_until_it_tells(site, "degraded")
        assert sign_in(site, user) == 302
        assert httpx2.get(f"{site.url}/v1/models", headers=headers).status_code == 200
        wait_for_answer(talk)
        with run_redis(tmp_path), connect(f"{site.ws_url}/v1/realtime", additional_headers=headers) as another:
            assert json.loads(another.recv(timeout=10))["type"] == "session.created"
            wait_until_it_tells(site, "ready")
            wait_for_answer(talk)
        assert "Traceback" not in site.log
