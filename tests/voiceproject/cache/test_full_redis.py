"""A real Redis without room: what is held stays held, what is given back is free, and each process counts by itself."""

import logging
from collections.abc import Callable, Iterator

import pytest
import redis
from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache
from django.test import override_settings

from conversations.session.engine_calls.speech_cache import SpeechCache
from tests.support.live import run_redis
from voiceproject.cache import shared_cache, user_places

ALICE, BOB = 1, 2
SetRoom = Callable[[bool], object]


@pytest.fixture
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    setting = {"BACKEND": "voiceproject.cache.shared_cache.SharedCache"}
    with (
        run_redis(tmp_path_factory.mktemp("redis")) as url,
        override_settings(CACHES={"default": {**setting, "LOCATION": url}}),
    ):
        yield url


@pytest.fixture
def set_room(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[SetRoom]:
    """Whether it has room; it never gives anything up."""
    monkeypatch.setattr(shared_cache, "FULL_SEC", 0.0)
    with redis.Redis.from_url(url) as client:
        client.config_set("maxmemory-policy", "noeviction")
        yield lambda has_room: client.config_set("maxmemory", 0 if has_room else 1_000)


def test_places_are_neither_lost_nor_leaked(set_room: SetRoom) -> None:
    kept, given_back = (ALICE, "kept"), (BOB, "given back")
    assert user_places.take(kept, 1)
    assert user_places.take(given_back, 1)
    set_room(False)
    assert not user_places.take((ALICE, "one more"), 1)
    user_places.update([kept], [], [given_back])
    assert not user_places.take((ALICE, "one more"), 1)
    assert user_places.take((BOB, "not counted"), 1)  # whether or not there is room to count it
    set_room(True)
    user_places.update([kept, (BOB, "not counted")], [], [])
    assert not user_places.take((ALICE, "one more"), 1)
    assert not user_places.take((BOB, "one more"), 1)
    user_places.update([], [], [kept, (BOB, "not counted")])
    assert user_places.take((ALICE, "another"), 1)


def test_what_is_counted_is_counted_in_memory_and_it_is_said_once(
    set_room: SetRoom, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = caches["default"]
    monkeypatch.setattr(shared_cache, "FULL_SEC", 60.0)
    set_room(False)
    assert cache.add("tries", 0, 60)
    assert [cache.incr("tries") for _ in range(3)] == [1, 2, 3]
    assert cache.get("tries") == 3
    assert isinstance(cache, shared_cache.SharedCache)
    assert not cache.ping()
    set_room(True)
    cache._redis.full_until = 0.0
    cache.set("another", 1)
    assert cache.ping()
    assert [one.message.partition(",")[0] for one in caplog.records if one.levelno >= logging.WARNING] == [
        "Redis is full",
        "Redis has room again.",
    ]


def test_that_it_has_room_again_is_seen_by_who_asks_for_it_alone(set_room: SetRoom, url: str) -> None:
    cache = caches["default"]
    assert isinstance(cache, shared_cache.SharedCache)
    set_room(False)
    cache.set("anything", 1)
    assert not cache.ping()
    set_room(True)
    assert cache.ping()
    with redis.Redis.from_url(url) as client:
        assert all(0 < client.ttl(key) <= 1 for key in client.scan_iter())


async def test_cached_speech_gives_way(url: str, set_room: SetRoom) -> None:
    backend = RedisCache(url, {"KEY_PREFIX": "speech"})
    cache = SpeechCache(backend, slots=1)
    old, new = b"o" * 32, b"n" * 32
    cache._store(cache._choose_slot("tts", old), old + b"sound", 60)
    assert await cache.get("tts", old) == b"sound"
    set_room(False)
    cache._store(cache._choose_slot("tts", new), new + b"sound", 60)
    assert await cache.get("tts", old) is None
    set_room(True)
    cache._store(cache._choose_slot("tts", new), new + b"sound", 60)
    assert await cache.get("tts", new) == b"sound"
