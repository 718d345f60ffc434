from pathlib import Path
from typing import Any

import pytest
from channels.layers import channel_layers
from pytest_django.fixtures import Settings

from tests.support.diagnosis import list_fine, list_notes, list_problems
from tests.support.live import run_redis
from voiceproject.doctor import redis_server
from voiceproject.doctor.findings import Options

GOOD: dict[str, Any] = {
    "redis_version": "8.0.2",
    "maxmemory": 512_000_000,
    "maxmemory_policy": "noeviction",
    "used_memory": 1_000_000,
}


def point_to(settings: Settings, url: str) -> None:
    settings.REDIS_URL = url
    cache = {"BACKEND": "voiceproject.cache.shared_cache.SharedCache", "LOCATION": url}
    settings.CACHES = {**settings.CACHES, "default": cache}
    layer = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [url]}}
    settings.CHANNEL_LAYERS = {"default": layer}
    channel_layers.backends = {}


@pytest.fixture
def forget_layer() -> Any:
    yield
    channel_layers.backends = {}


def test_there_is_none() -> None:
    assert "There is no Redis" in list_fine(redis_server.check(Options()))[0]


@pytest.mark.usefixtures("forget_layer")
def test_a_real_one(settings: Settings, redis_url: str) -> None:
    point_to(settings, redis_url)
    found = list(redis_server.check(Options()))
    assert not list_problems(found)
    assert "passes messages between processes on" in list_fine(found)[0]
    assert "all the memory" in list_notes(found)[0]  # the tests' own has no limit


@pytest.mark.usefixtures("forget_layer")
def test_one_that_is_away(settings: Settings, tmp_path: Path) -> None:
    with run_redis(tmp_path) as url:
        point_to(settings, url)
    assert "cannot be reached" in list_problems(redis_server.check(Options()))[0]


def test_one_that_is_well() -> None:
    assert not list(redis_server.judge(GOOD))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"redis_version": "4.0.1"}, "Redis is 4.0.1"),
        ({"maxmemory_policy": "volatile-lru"}, "silently throws away messages between processes"),
        ({"maxmemory_policy": "allkeys-lru"}, "silently throws away messages between processes"),
    ],
)
def test_problems(change: dict[str, Any], words: str) -> None:
    [text] = list_problems(redis_server.judge({**GOOD, **change}))
    assert words in text


def test_one_that_is_nearly_full() -> None:
    assert list_notes(redis_server.judge({**GOOD, "used_memory": 500_000_000})) == ["Redis uses 98% of its maxmemory."]
