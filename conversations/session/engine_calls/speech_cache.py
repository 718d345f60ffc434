"""A cache of synthesised speech and of transcripts, so that an opener such as “Sure,” sounds at once and costs nothing.

Its size is bounded in memory and in Redis alike: a key names one of a fixed number of slots, the value begins with the
digest of what was asked, and a newer entry replaces an older one. Its age is bounded too. An entry that cannot be
looked up quickly counts as missing. Where Redis is full, this cache gives way: what would be replaced there is deleted.

Privacy: transcripts are kept per user, so that neither their content nor their timing tells anything to another user.
Speech is shared only if it is a few words without a number. If its voice may belong to a provider account, it is shared
only among the users of that account (`Shelf.choose_sharers`). Up to MAX_CHARS it is kept per user; longer texts are not
kept.
"""

import asyncio
import hashlib
import json
import logging
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import lru_cache
from time import monotonic
from typing import Any, Literal

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.utils.crypto import salted_hmac
from redis.exceptions import OutOfMemoryError, RedisError

from conversations.engines.base import NO_HINTS, EngineSpec, Hints, SpeechToText, TextToSpeech, Transcript
from conversations.engines.voices import is_public
from conversations.pcm import SAMPLE_BYTES, SAMPLE_RATE

log = logging.getLogger(__name__)

CachedKind = Literal["stt", "tts"]
CountLookup = Callable[
    [CachedKind, bool], None
]  # the kind, and whether it was a hit; texts too long to keep are not counted

MAX_CHARS = 60
MAX_SHARED_CHARS = 24  # “Of course!”, “Natürlich, sehr gerne.”: too short to be private
MAX_SPEECH_BYTES = 4 * SAMPLE_RATE * SAMPLE_BYTES
MAX_WORDS_BYTES = 4_000
PIECE_BYTES = SAMPLE_RATE * SAMPLE_BYTES // 5
SHARED_SEC = 86_400
PRIVATE_SEC = 600  # short, since an entry may outlive what the user deletes

PATIENCE_SEC = 0.05  # for one look-up in Redis; an engine needs only a few times as long
PAUSE_SEC = 5.0  # no look-ups for so long after a failed one, so that a Redis that hangs does not delay every turn
# The cache has threads of its own: Django's async cache methods would queue behind all thread-sensitive work.
_pool = ThreadPoolExecutor(2, "speech-cache")


class SpeechCache:
    """Keep bytes by digest, in `slots` slots for each kind; 0 keeps nothing. Never raise, and never block the loop."""

    def __init__(self, backend: BaseCache, slots: int) -> None:
        self._backend = backend
        self._slots = slots
        self._is_memory = isinstance(backend, LocMemCache)  # microseconds: no thread is worth it
        self._is_down, self._down_until = False, 0.0

    async def get(self, kind: CachedKind, digest: bytes) -> bytes | None:
        """Return what is kept under this digest, or None."""
        if not self._slots:
            return None
        found = (
            self._backend.get(self._choose_slot(kind, digest)) if self._is_memory else await self._fetch(kind, digest)
        )
        return found.removeprefix(digest) if found is not None and found.startswith(digest) else None

    def put(self, kind: CachedKind, digest: bytes, value: bytes, age_sec: int) -> None:
        """Keep a value for `age_sec`, without waiting until it is written."""
        arguments = (self._choose_slot(kind, digest), digest + value, age_sec) if self._slots else None
        if arguments and self._is_memory:
            self._backend.set(*arguments)
        elif arguments and monotonic() >= self._down_until:
            _pool.submit(self._store, *arguments)

    def _choose_slot(self, kind: CachedKind, digest: bytes) -> str:
        return f"{kind}:{int.from_bytes(digest[:8]) % self._slots}"

    async def _fetch(self, kind: CachedKind, digest: bytes) -> Any:
        if monotonic() < self._down_until:
            return None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(PATIENCE_SEC):
                found = await loop.run_in_executor(_pool, self._backend.get, self._choose_slot(kind, digest))
        except (TimeoutError, RedisError, OSError) as error:
            self._pause(error)
            return None
        self._is_down = False
        return found

    def _store(self, key: str, value: bytes, age_sec: int) -> None:
        """Write an entry; this runs in a thread of the pool."""
        try:
            try:
                self._backend.set(key, value, age_sec)
            except OutOfMemoryError:
                self._backend.delete(key)
        except (RedisError, OSError) as error:
            self._pause(error)

    def _pause(self, error: Exception) -> None:
        if not self._is_down:
            log.warning("The speech cache does not answer (%s); nothing is cached until it does.", type(error).__name__)
        self._is_down, self._down_until = True, monotonic() + PAUSE_SEC


@lru_cache(maxsize=1)
def get_site_cache() -> SpeechCache:
    """Return the site's cache, which takes at most SPEECH_CACHE_MB."""
    slots = settings.SPEECH_CACHE_MB * 1_000_000 // (MAX_SPEECH_BYTES + MAX_WORDS_BYTES)
    return SpeechCache(caches["speech"], slots)


class Shelf:
    """The part of the cache for one kind of engine and one user."""

    def __init__(
        self,
        kind: CachedKind,
        spec: EngineSpec,
        user_id: int,
        count_lookup: CountLookup,
        cache: SpeechCache | None = None,
    ) -> None:
        self._kind = kind
        self._spec = spec
        self._user_id = user_id
        self._count_lookup = count_lookup
        self._cache = cache or get_site_cache()

    def compute_digest(self, *asked: object, owner: str = "") -> bytes:
        """Return the digest of what is asked of the engine. `owner` "" is this user.

        It is keyed with the site's secret: else a user could work out which entry replaced one of their own, and so
        what another user was told.
        """
        spec = self._spec
        engine = (spec.provider, spec.model, spec.voice, spec.base_url)
        # `repr` separates the parts, whatever they contain.
        parts = repr((self._kind, owner or (self._user_id, spec.api_key), *engine, *asked))
        return salted_hmac("conversations.session.speech_cache", parts, algorithm="sha256").digest()

    def choose_sharers(self, voice: str) -> str:
        """Return who may share speech of this voice: everybody, or the users of the account it may belong to."""
        return "everybody" if is_public(voice) and is_public(self._spec.voice) else f"account {self._spec.api_key}"

    async def find(self, digest: bytes) -> bytes | None:
        """Return what is kept under this digest, or None, and count the hit or miss."""
        found = await self._cache.get(self._kind, digest)
        self._count_lookup(self._kind, found is not None)
        return found

    def keep(self, digest: bytes, made: bytes, is_shared: bool = False) -> None:
        """Keep what an engine made, for longer if it is shared."""
        self._cache.put(self._kind, digest, made, SHARED_SEC if is_shared else PRIVATE_SEC)


class CachedTextToSpeech:
    """Text to speech by `engine`, with short texts cached once they were spoken to the end."""

    def __init__(self, engine: TextToSpeech, shelf: Shelf) -> None:
        self._engine = engine
        self._shelf = shelf

    async def speak(
        self, text: str, *, voice: str = "", language: str = "", speed: float = 1.0
    ) -> AsyncGenerator[bytes]:
        is_kept = bool(text.strip()) and len(text) <= MAX_CHARS
        is_shared = len(text) <= MAX_SHARED_CHARS and not any(map(str.isdigit, text))
        owner = self._shelf.choose_sharers(voice) if is_shared else ""
        digest = self._shelf.compute_digest(voice, language, speed, text, owner=owner)
        if is_kept and (found := await self._shelf.find(digest)) is not None:
            for start in range(0, len(found), PIECE_BYTES):
                yield found[start : start + PIECE_BYTES]
            return
        spoken = bytearray()
        async with aclosing(self._engine.speak(text, voice=voice, language=language, speed=speed)) as stream:
            async for pcm in stream:
                if is_kept and len(spoken) <= MAX_SPEECH_BYTES:
                    spoken += pcm
                yield pcm
        # A stream that failed or was closed early does not get here.
        if 0 < len(spoken) <= MAX_SPEECH_BYTES:
            self._shelf.keep(digest, bytes(spoken), is_shared)


class CachedSpeechToText:
    """Speech to text by `engine`, cached for the same user, audio and hints. A hit costs no seconds of audio."""

    def __init__(self, engine: SpeechToText, shelf: Shelf, *, is_on: bool = True) -> None:
        self._engine = engine
        self._shelf = shelf
        self._is_on = is_on

    def stop(self) -> None:
        """Cache nothing from now on."""
        self._is_on = False

    async def transcribe(self, pcm: bytes, hints: Hints = NO_HINTS) -> Transcript:
        if not self._is_on:
            return await self._engine.transcribe(pcm, hints)
        # Hashing the longest utterance takes 4 ms; most take less time than handing them to a thread.
        digest = self._shelf.compute_digest(hints, hashlib.sha256(pcm).hexdigest())
        found = await self._shelf.find(digest)
        if found is not None:
            return Transcript(json.loads(found), seconds=0.0)
        transcript = await self._engine.transcribe(pcm, hints)
        words = json.dumps(transcript.text).encode()
        if len(words) <= MAX_WORDS_BYTES:
            self._shelf.keep(digest, words)
        return transcript
