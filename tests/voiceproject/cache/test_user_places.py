"""Places that users hold over all processes: counted at once, renewed, and gone with a process that was killed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.test import override_settings

from tests.support.live import run_redis
from voiceproject.cache import shared_cache, user_places


@pytest.fixture
def shared(redis_url: str) -> Iterator[BaseCache]:
    setting = {"default": {"BACKEND": "voiceproject.cache.shared_cache.SharedCache", "LOCATION": redis_url}}
    with override_settings(CACHES=setting):
        yield caches["default"]
        caches["default"].clear()


@pytest.mark.usefixtures("shared")
def test_there_are_so_many_and_each_user_has_their_own() -> None:
    assert [user_places.take((1, name), 2) for name in ("a", "b", "c")] == [True, True, False]
    assert user_places.take((2, "d"), 2)
    user_places.update(used=(), kept=(), given_back=[(1, "a")])
    assert user_places.take((1, "c"), 2)


@pytest.mark.usefixtures("shared")
def test_those_of_a_process_that_was_killed_end_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_places, "HELD_SEC", -1)  # as if so much time had passed
    assert user_places.take((1, "a"), 1)
    assert user_places.take((1, "b"), 1)
    monkeypatch.setattr(user_places, "HELD_SEC", 30)
    user_places.update(used=[(1, "b")], kept=(), given_back=())
    assert not user_places.take((1, "c"), 1)


@pytest.mark.usefixtures("shared")
def test_one_that_is_kept_counts_until_a_newcomer_has_it() -> None:
    assert user_places.take((1, "a"), 2)
    user_places.update(used=(), kept=[(1, "a")], given_back=())
    assert user_places.take_back((1, "a"), 2)
    assert user_places.take((1, "b"), 2)
    assert not user_places.take((1, "c"), 2)
    user_places.update(used=(), kept=[(1, "a")], given_back=())
    assert user_places.take((1, "c"), 2)
    user_places.update(used=(), kept=[(1, "a")], given_back=())
    assert not user_places.take_back((1, "a"), 2)
    user_places.update(used=(), kept=(), given_back=[(1, "c")])
    assert user_places.take_back((1, "a"), 2)
    assert not user_places.take((1, "d"), 2)


@pytest.mark.usefixtures("shared")
def test_who_comes_back_before_the_place_was_marked_has_it() -> None:
    assert user_places.take((1, "a"), 1)
    assert user_places.take_back((1, "a"), 1)
    assert not user_places.take((1, "b"), 1)


def test_they_are_there_again_after_redis_was_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shared_cache, "AWAY_SEC", 0.0)
    url = f"unix://{tmp_path / 'redis.sock'}"
    setting = {"default": {"BACKEND": "voiceproject.cache.shared_cache.SharedCache", "LOCATION": url}}
    with override_settings(CACHES=setting):
        with run_redis(tmp_path):
            assert user_places.take((1, "a"), 1)
        for name in ("b", "c"):  # each process counts its own meanwhile
            assert user_places.take((1, name), 1)
        user_places.update(used=[(1, "a")], kept=(), given_back=())
        assert caplog.text.count("Redis is away") == 1
        with run_redis(tmp_path), redis.Redis.from_url(url) as client:
            user_places.update(used=[(1, "a")], kept=(), given_back=())
            assert not user_places.take((1, "d"), 1)
            (key,) = client.keys()
            assert 0 < client.ttl(key) <= user_places.HELD_SEC


def test_without_redis_nobody_counts() -> None:
    assert not user_places.is_shared()
    assert all(user_places.take((1, name), 1) for name in "abc")
