"""The ground that other tests stand on."""

from collections.abc import Callable

import pytest
import redis
from django.db import connection

from tests.support.live import Site, read_readiness


def test_live_site_is_ready(live_site: Site) -> None:
    assert read_readiness(live_site)["status"] == "ready"


def test_live_site_sees_what_a_test_commits(live_site: Site, committed_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        assert live_site.database_url.partition("?")[0].endswith(f"/{cursor.fetchone()[0]}")


def test_another_site_with_redis(start_site: Callable[..., Site], redis_url: str) -> None:
    site = start_site(REDIS_URL=redis_url)
    assert read_readiness(site)["status"] == "ready"


@pytest.mark.django_db
def test_a_transaction_around_an_ordinary_test() -> None:
    assert connection.in_atomic_block


def test_redis_is_real(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.ping()
