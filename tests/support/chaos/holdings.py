"""What a site, its Postgres and its Redis hold over time, and which of it grows."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import psycopg
import redis

# By how much each may be more in the end than at the beginning: a share of it, and a number.
ALLOWED = {
    "memory_mb": (0.05, 8),
    "files": (0.0, 8),
    "threads": (0.0, 4),
    "tasks": (0.0, 10),
    "postgres_connections": (0.0, 4),
    "redis_clients": (0.0, 4),
    "redis_channels": (0.0, 2),
    "redis_layer_keys": (0.0, 10),  # of the channel layer; the cache of speech fills up to its own bound
}
Sample = dict[str, float]


def take_sample(probe: Path, database_url: str, redis_url: str) -> Sample:
    """Return what is held now."""
    sample: Sample = json.loads(probe.read_text())
    sample.pop("objects")
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE client_port IS NOT NULL").fetchone()
        assert row is not None
        sample["postgres_connections"] = row[0]
    with redis.Redis.from_url(redis_url) as client:
        sample["redis_clients"] = client.info("clients")["connected_clients"]
        sample["redis_channels"] = len(client.pubsub_channels())
        sample["redis_layer_keys"] = sum(1 for _ in client.scan_iter("asgi*", count=1_000))
    return sample


def find_growth(samples: Sequence[Sample]) -> dict[str, tuple[float, float]]:
    """Return what grew after the first part, a sixth of the time: what it was then, and in the last sixth."""
    part = max(1, len(samples) // 6)
    grown = {}
    for name, (share, number) in ALLOWED.items():
        before = median(sample[name] for sample in samples[part : 2 * part])
        after = median(sample[name] for sample in samples[-part:])
        if after > before * (1 + share) + number:
            grown[name] = before, after
    return grown
