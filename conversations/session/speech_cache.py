"""Speech made before and words heard before, so that an opener such as “Sure,” sounds at once and costs nothing.

Bounded alike in memory and in Redis: an entry's key names one of a fixed number of places, its value begins with the
digest of what it answers, and a newer entry takes an older one's place. Age is bounded too. What cannot be looked up
quickly counts as not there.

Privacy: words heard are kept per user, so that neither their content nor their timing tells anything to another. Speech
is shared only where it is a few words without a number, and, of a voice that may belong to a provider's account, only
among its users (`Shelf.sharers`); up to MAX_CHARS it is kept per user; longer texts are not kept.
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
from redis.exceptions import RedisError

from conversations.engines.base import NO_HINTS, EngineSpec, Hints, SpeechToText, TextToSpeech, Transcript
from conversations.engines.voices import is_public
from conversations.pcm import SAMPLE_BYTES, SAMPLE_RATE

log = logging.getLogger(__name__)

CachedKind = Literal["stt", "tts"]
Tally = Callable[[CachedKind, bool], None]  # kind, and whether it was a hit; texts too long to keep are neither

MAX_CHARS = 60
MAX_SHARED_CHARS = 24  # “Of course!”, “Natürlich, sehr gerne.”: nobody's secret
MAX_SPEECH_BYTES = 4 * SAMPLE_RATE * SAMPLE_BYTES
MAX_WORDS_BYTES = 4_000
PIECE_BYTES = SAMPLE_RATE * SAMPLE_BYTES // 5
SHARED_SEC = 86_400
PRIVATE_SEC = 600  # as long as it may serve within a talk: it outlives what the user deletes

PATIENCE_SEC = 0.05  # for a look-up in Redis; an engine would answer in a few times that
PAUSE_SEC = 5.0  # without look-ups after a failed one, so that a Redis that hangs costs no turn its time
# Its own threads: Django's async cache methods would queue behind everything that is thread-sensitive.
_pool = ThreadPoolExecutor(2, "speech-cache")


class SpeechCache:
    """Bytes by digest, in `places` places for each kind; 0 keeps nothing. Never raises, never blocks the loop."""

    def __init__(self, backend: BaseCache, places: int) -> None:
        self._backend = backend
        self._places = places
        self._is_memory = isinstance(backend, LocMemCache)  # microseconds: no thread is worth it
        self._is_down, self._down_until = False, 0.0

    async def get(self, kind: CachedKind, digest: bytes) -> bytes | None:
        if not self._places:
            return None
        found = self._backend.get(self._place(kind, digest)) if self._is_memory else await self._fetch(kind, digest)
        return found.removeprefix(digest) if found is not None and found.startswith(digest) else None

    def put(self, kind: CachedKind, digest: bytes, value: bytes, age_sec: int) -> None:
        """Keeps it soon, for so long; does not wait for it."""
        arguments = (self._place(kind, digest), digest + value, age_sec) if self._places else None
        if arguments and self._is_memory:
            self._backend.set(*arguments)
        elif arguments and monotonic() >= self._down_until:
            _pool.submit(self._store, *arguments)

    def _place(self, kind: CachedKind, digest: bytes) -> str:
        return f"{kind}:{int.from_bytes(digest[:8]) % self._places}"

    async def _fetch(self, kind: CachedKind, digest: bytes) -> Any:
        if monotonic() < self._down_until:
            return None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(PATIENCE_SEC):
                found = await loop.run_in_executor(_pool, self._backend.get, self._place(kind, digest))
        except (TimeoutError, RedisError, OSError) as error:
            self._pause(error)
            return None
        self._is_down = False
        return found

    def _store(self, key: str, value: bytes, age_sec: int) -> None:
        """In a thread of the pool."""
        try:
            self._backend.set(key, value, age_sec)
        except (RedisError, OSError) as error:
            self._pause(error)

    def _pause(self, error: Exception) -> None:
        if not self._is_down:
            log.warning(
                "The speech cache does not answer (%s); all speech is made anew until it does.", type(error).__name__
            )
        self._is_down, self._down_until = True, monotonic() + PAUSE_SEC


@lru_cache(maxsize=1)
def site_cache() -> SpeechCache:
    """The site's, of SPEECH_CACHE_MB at the most."""
    places = settings.SPEECH_CACHE_MB * 1_000_000 // (MAX_SPEECH_BYTES + MAX_WORDS_BYTES)
    return SpeechCache(caches["speech"], places)


class Shelf:
    """Where one kind of engine of a session keeps what it made."""

    def __init__(
        self, kind: CachedKind, spec: EngineSpec, user_id: int, tally: Tally, cache: SpeechCache | None = None
    ) -> None:
        self._kind = kind
        self._spec = spec
        self._user_id = user_id
        self._tally = tally
        self._cache = cache or site_cache()

    def digest(self, *asked: object, owner: str = "") -> bytes:
        """Of what is asked of the engine. `owner` "": this user.

        Without the site's secret a user could tell, by an entry of their own that lost its place, what was said to
        another one.
        """
        spec = self._spec
        engine = (spec.provider, spec.model, spec.voice, spec.base_url)
        # `repr` keeps them apart, whatever is in them.
        parts = repr((self._kind, owner or (self._user_id, spec.api_key), *engine, *asked))
        return salted_hmac("conversations.session.speech_cache", parts, algorithm="sha256").digest()

    def sharers(self, voice: str) -> str:
        """Everybody; of a voice that may belong to an account with the provider, those who use this account."""
        return "everybody" if is_public(voice) and is_public(self._spec.voice) else f"account {self._spec.api_key}"

    async def find(self, digest: bytes) -> bytes | None:
        found = await self._cache.get(self._kind, digest)
        self._tally(self._kind, found is not None)
        return found

    def keep(self, digest: bytes, made: bytes, is_shared: bool = False) -> None:
        self._cache.put(self._kind, digest, made, SHARED_SEC if is_shared else PRIVATE_SEC)


class CachedTextToSpeech:
    """`engine`, whose short texts are kept once they have been spoken to their end."""

    def __init__(self, engine: TextToSpeech, shelf: Shelf) -> None:
        self._engine = engine
        self._shelf = shelf

    async def speak(
        self, text: str, *, voice: str = "", language: str = "", speed: float = 1.0
    ) -> AsyncGenerator[bytes]:
        is_kept = bool(text.strip()) and len(text) <= MAX_CHARS
        is_shared = len(text) <= MAX_SHARED_CHARS and not any(map(str.isdigit, text))
        digest = self._shelf.digest(voice, language, speed, text, owner=self._shelf.sharers(voice) if is_shared else "")
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
        # A stream that was closed midway, or failed, never comes here.
        if 0 < len(spoken) <= MAX_SPEECH_BYTES:
            self._shelf.keep(digest, bytes(spoken), is_shared)


class CachedSpeechToText:
    """`engine`, whose words are kept for the same user, audio and hints. Heard again they cost no seconds."""

    def __init__(self, engine: SpeechToText, shelf: Shelf) -> None:
        self._engine = engine
        self._shelf = shelf

    async def transcribe(self, pcm: bytes, hints: Hints = NO_HINTS) -> Transcript:
        # The longest utterance takes 4 ms, most take less than the way to a thread and back.
        digest = self._shelf.digest(hints, hashlib.sha256(pcm).hexdigest())
        found = await self._shelf.find(digest)
        if found is not None:
            return Transcript(json.loads(found), seconds=0.0)
        transcript = await self._engine.transcribe(pcm, hints)
        words = json.dumps(transcript.text).encode()
        if len(words) <= MAX_WORDS_BYTES:
            self._shelf.keep(digest, words)
        return transcript
