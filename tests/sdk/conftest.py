"""A site whose engines are the emulated upstream, and the official client to talk to it."""

from collections.abc import Callable

import pytest
import redis

from tests.support.live import Site
from tests.support.official_fixtures import caller, connect, key, site, user, utterance
from tests.upstream.fixtures import Upstream

__all__ = ["caller", "connect", "key", "site", "user", "utterance"]


@pytest.fixture
def start_sites(
    start_site: Callable[..., Site], redis_url: str, upstream: Upstream
) -> Callable[..., tuple[Site, Site]]:
    """Return a function that starts two processes of one site, with these variables.

    What a process that was killed has left in Redis ends by itself after a minute, so it is removed before.
    """
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    env = {"OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream.openai_url, "REDIS_URL": redis_url}
    return lambda **more: (start_site(**env, **more), start_site(**env, **more))
