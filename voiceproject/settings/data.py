"""Where the site keeps what it knows: Postgres, Redis, the sound of conversations."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.retry import Retry

from voiceproject.cache import redis_address
from voiceproject.server.worker_count import read_worker_count
from voiceproject.settings.django import STATIC_HASHED
from voiceproject.settings.env import VAR_DIR, env, env_choice, env_database, env_file, env_int, env_json, env_url

# Postgres: postgres://user:password@host:5432/database. Unset: the embedded one, under var/, which manage.py starts.
DATABASES = {"default": env_database("DATABASE_URL")}
# A server whose machine or network is gone, without a word, is found out within half a minute. TCP alone takes hours.
for name, seconds in {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}.items():
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault(name, seconds)
DATABASES["default"]["OPTIONS"].setdefault("tcp_user_timeout", 30_000)
# Every request and every store call runs in a thread of its own; the pool keeps their connections few and warm.
DATABASES["default"]["ENGINE"] = "voiceproject.database"
DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
    "min_size": 1,
    # Connections that one process may hold. Requests hold half of them at most; the rest is for live conversations.
    # Unset: 20, and fewer with many WORKERS, as Postgres itself takes 100 of all processes unless it is told otherwise.
    "max_size": env_int("DATABASE_POOL_SIZE", max(4, min(20, 80 // read_worker_count())), lowest=2, highest=1000),
    # How long a caller waits for a free one before it fails.
    "timeout": 10,
    # Until an attempt to connect starts anew. Between its tries the pool waits ever longer, up to the default of 300 s,
    # and would find a database that was gone for 40 s another 23 s late; so it is a second.
    "reconnect_timeout": 2,
}

# Where the last words of calls are kept that cannot be stored since the database is away, until it is back: a folder
# that outlives the process, and a bound on what it holds.
SPOOL_DIR = Path(env("SPOOL_DIR", str(VAR_DIR / "spool")))
SPOOL_MAX_BYTES = env_int("SPOOL_MAX_MB", 500, lowest=1, highest=1_000_000) * 1_000_000
# What is being said lies there too until it is stored, in case the process is killed: so much of all calls of a process
# at most (a second takes 48 kB). 0 keeps nothing of it.
UTTERANCE_JOURNAL_BYTES = env_int("UTTERANCE_JOURNAL_MB", 200, highest=1_000_000) * 1_000_000

# Redis: redis://host:6379/0, rediss://… with TLS, or the master that sentinels know, redis+sentinel://one,two/name/0:
# voiceproject/cache/redis_address.py. Needed when more than one process serves the site; without it one process uses
# its memory.
REDIS_URL = env_url("REDIS_URL", *redis_address.SCHEMES)
# The authority that has signed the certificate of Redis, as a PEM file. Unset: those that the system trusts.
REDIS_CA_FILE = env_file("REDIS_CA_FILE")
if REDIS_URL:
    redis_server = redis_address.build_server(REDIS_URL, REDIS_CA_FILE)
    CACHES = {
        # While Redis is away each process has its own in memory. It is found gone at once, or within half a second.
        "default": {
            "BACKEND": "voiceproject.cache.shared_cache.SharedCache",
            "LOCATION": redis_server.location,
            "OPTIONS": {
                **redis_server.cache_options,
                "socket_timeout": 0.5,
                "socket_connect_timeout": 0.5,
                "retry": Retry(NoBackoff(), 1),
            },
        },
        # A look-up that takes longer than this is given up by its caller, and must not hold a thread for long.
        "speech": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": redis_server.location,
            "KEY_PREFIX": "speech",
            "OPTIONS": {
                **redis_server.cache_options,
                "socket_timeout": 0.2,
                "socket_connect_timeout": 0.5,
                "retry": Retry(NoBackoff(), 0),
            },
        },
    }
    # It waits 5 s for a message at a time, which is no silence of Redis yet.
    layer_host = {**redis_server.layer_host, "socket_timeout": 10, "socket_connect_timeout": 2}
    CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [layer_host]}}
    }
else:
    CACHES = {
        "default": {"BACKEND": "voiceproject.cache.bounded_cache.BoundedCache"},
        "speech": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": "speech",
            "OPTIONS": {
                "MAX_ENTRIES": 2**31
            },  # its own number of places bounds it, see conversations/session/engine_calls/speech_cache.py
        },
    }
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

# Short clauses that were spoken before, such as “Sure,”, and what was heard within the last minutes: the most that they
# take of the process's memory, or of Redis. 0 keeps nothing.
SPEECH_CACHE_MB = env_int("SPEECH_CACHE_MB", 64, highest=100_000)

# A bucket for the sound, at Amazon or, with S3_ENDPOINT_URL, at any server that speaks S3's protocol. Unset: it is in
# Postgres. It needs requirements-s3.txt, see docs/operations.md. `manage.py move_clips` moves what is stored already.
S3_BUCKET = env("S3_BUCKET")
if S3_BUCKET and env("CLIPS_STORAGE"):
    raise ImproperlyConfigured("S3_BUCKET and CLIPS_STORAGE are both set. Unset one: the sound goes to one place.")
S3_OPTIONS = {
    "bucket": S3_BUCKET,
    "endpoint_url": env_url("S3_ENDPOINT_URL", "http", "https"),
    "region": env("S3_REGION"),
    # Unset: what botocore finds, such as a role of the machine or of the pod.
    "access_key": env("S3_ACCESS_KEY_ID"),
    "secret_key": env("S3_SECRET_ACCESS_KEY"),
    # In front of each name, such as voice/, where others use the bucket too.
    "prefix": env("S3_PREFIX"),
    # Whether the bucket's name stands in the path of addresses or before the host; auto asks the host's form.
    "addressing": env_choice("S3_ADDRESSING", ("auto", "path", "virtual"), "auto"),
}

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "voiceproject.http.static_files.HashedStorage"
        if STATIC_HASHED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
    # Where the sound goes: Postgres, S3, or any Django storage by its dotted path, with its options as a JSON object.
    "clips": {
        "BACKEND": "conversations.storage.clips.s3_storage.S3Storage"
        if S3_BUCKET
        else env("CLIPS_STORAGE", "conversations.storage.clips.postgres_storage.PostgresStorage"),
        "OPTIONS": S3_OPTIONS if S3_BUCKET else env_json("CLIPS_STORAGE_OPTIONS"),
    },
}
