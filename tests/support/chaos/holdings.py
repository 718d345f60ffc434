"""What a site's processes, its Postgres and its Redis hold over time, and which of it grows."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
import redis

# By how much each may grow over the whole time that counts, as a straight line through all samples tells: a share of
# what it was, and a number. Numbers of what sessions hold go up and down with the sessions, which ends are not even.
ALLOWED = {
    "memory_mb": (0.02, 3),
    "files": (0.0, 6),
    "threads": (0.0, 3),
    "tasks": (0.0, 8),
    "postgres_connections": (0.0, 4),
    "redis_clients": (0.0, 4),
    "redis_channels": (0.0, 2),
    "redis_patterns": (0.0, 0),
    "redis_layer_keys": (0.0, 10),
    "redis_other_keys": (0.0, 20),
}
SPEECH_KEYS = "redis_speech_keys"  # the cache of speech fills up to its own bound
Sample = dict[str, float]
HEAD = ("held", "after the start", "in the end", "grown", "allowed")


@dataclass(frozen=True)
class Growth:
    """How much of something there was as the time that counts began, and by how much it grew until the end."""

    name: str
    before: float
    grown: float
    allowed: float

    @property
    def row(self) -> tuple[object, ...]:
        cells = (self.before, self.before + self.grown, self.grown, self.allowed)
        return self.name, *(f"{cell:.1f}" for cell in cells)


def take_sample(probe: Path, database_url: str, redis_url: str) -> Sample:
    """Return what is held now: of processes "0 files", for example, where 0 is the number of one."""
    sample: Sample = {}
    for file in sorted(probe.glob("*.json")):
        sample |= {f"{file.stem} {name}": value for name, value in json.loads(file.read_text()).items()}
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE client_port IS NOT NULL").fetchone()
        assert row is not None
        sample["postgres_connections"] = row[0]
    with redis.Redis.from_url(redis_url) as client:
        sample["redis_clients"] = client.info("clients")["connected_clients"]
        sample["redis_channels"] = len(client.pubsub_channels())
        sample["redis_patterns"] = client.pubsub_numpat()
        keys = [key.decode() for key in client.scan_iter(count=1_000)]
    layer, speech = (sum(key.startswith(start) for key in keys) for start in ("asgi", "speech:"))
    return sample | {
        "redis_layer_keys": layer, SPEECH_KEYS: speech, "redis_other_keys": len(keys) - layer - speech,
    }  # fmt: skip


def measure_growth(samples: Sequence[tuple[float, Sample]]) -> list[Growth]:
    """Fit a line through all samples of each number; a sample comes with its time in seconds."""
    times = np.array([at for at, _ in samples]) - samples[0][0]
    growths = []
    for name in samples[0][1]:
        if (kind := name.split()[-1]) in ALLOWED:
            slope, before = np.polyfit(times, [sample[name] for _, sample in samples], 1)
            share, number = ALLOWED[kind]
            growths.append(Growth(name, float(before), float(slope * times[-1]), before * share + number))
    return growths


def list_processes(samples: Iterable[Mapping[str, float]]) -> set[float]:
    """Return the ids of all processes that were there at some time."""
    return {value for sample in samples for name, value in sample.items() if name.endswith(" pid")}
