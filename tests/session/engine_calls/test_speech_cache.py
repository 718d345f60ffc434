"""Speech made before and words heard before: over the emulated upstream, in memory and in a real Redis."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing, contextmanager
from itertools import count
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends import locmem
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from django.test import override_settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from conversations.engines.base import EngineSpec, Hints
from conversations.engines.errors import EngineUnavailable
from conversations.engines.openai.stt import Transcriptions
from conversations.engines.openai.tts import Speech
from conversations.network import http
from conversations.session.engine_calls import speech_cache
from conversations.session.engine_calls.speech_cache import (
    CachedKind,
    CachedSpeechToText,
    CachedTextToSpeech,
    Shelf,
    SpeechCache,
)
from tests.support.live import run_redis
from tests.support.streams import gather
from tests.upstream.fixtures import Upstream
from tests.upstream.sound import make_speech

OPENER = "Of course!"
PRIVATE = "Your sister's wedding, as far as I know."
LONG = "Your sister's wedding is on the third of May, as far as I know, isn't it?"
UTTERANCE = make_speech("What I said.")
ALICE, BOB = 1, 2
SLOTS = 1_000_000_000  # so many that no two entries of a test meet in one
numbers = count()
THREAD_WORK: list[Future[Any]] = []
PATIENCE_SEC = speech_cache.PATIENCE_SEC
OPTIONS = {"OPTIONS": {"socket_timeout": 0.2, "retry": Retry(NoBackoff(), 0)}}


@pytest.fixture(autouse=True)
async def connections() -> AsyncIterator[None]:
    yield
    await http.close_clients()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give Redis more time, since the machine may be busy."""
    monkeypatch.setattr(speech_cache, "PATIENCE_SEC", 10.0)


@pytest.fixture(autouse=True)
def thread_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Note what the cache does in threads, for `wait_until_stored`."""
    submit = ThreadPoolExecutor.submit

    def submit_and_note(pool: ThreadPoolExecutor, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        future = submit(pool, work, *arguments)
        if isinstance(getattr(work, "__self__", None), SpeechCache | BaseCache):
            THREAD_WORK.append(future)
        return future

    THREAD_WORK.clear()
    monkeypatch.setattr(ThreadPoolExecutor, "submit", submit_and_note)


def make_memory_backend() -> BaseCache:
    return LocMemCache(f"test-{next(numbers)}", {})


def make_redis_backend(url: str) -> BaseCache:
    """Return a Redis cache under a prefix of its own, as each test has."""
    return RedisCache(url, {"KEY_PREFIX": f"test-{next(numbers)}", **OPTIONS})


def make_memory_cache(slots: int = SLOTS) -> SpeechCache:
    return SpeechCache(make_memory_backend(), slots)


def make_redis_cache(url: str, slots: int = SLOTS) -> SpeechCache:
    return SpeechCache(make_redis_backend(url), slots)


@pytest.fixture(params=["memory", "redis"])
def cache(request: pytest.FixtureRequest) -> SpeechCache:
    return make_memory_cache() if request.param == "memory" else make_redis_cache(request.getfixturevalue("redis_url"))


class Site:
    """The engines of one upstream behind a cache, for whoever asks."""

    def __init__(self, upstream: Upstream, cache: SpeechCache, **changes: str) -> None:
        fields = {"provider": "openai", "model": "m-1", "voice": "nova", "base_url": upstream.openai_url, **changes}
        self.spec = EngineSpec(**fields)  # type: ignore[arg-type]
        self.cache = cache
        self.tallied: list[tuple[CachedKind, bool]] = []

    def make_tts(self, user_id: int = ALICE) -> CachedTextToSpeech:
        return CachedTextToSpeech(Speech(self.spec), self._make_shelf("tts", user_id))

    async def say(self, text: str, user_id: int = ALICE, **how: object) -> list[bytes]:
        pieces = [pcm async for pcm in self.make_tts(user_id).speak(text, **how)]  # type: ignore[arg-type]
        await wait_until_stored()
        return pieces

    async def hear(self, pcm: bytes = UTTERANCE, user_id: int = ALICE, hints: Hints | None = None) -> tuple[str, float]:
        ears = CachedSpeechToText(Transcriptions(self.spec), self._make_shelf("stt", user_id))
        found = await ears.transcribe(pcm, hints or Hints("en"))
        await wait_until_stored()
        return found.text, found.seconds

    def _make_shelf(self, kind: CachedKind, user_id: int) -> Shelf:
        return Shelf(kind, self.spec, user_id, self._count_lookup, self.cache)

    def _count_lookup(self, kind: CachedKind, is_hit: bool) -> None:
        self.tallied.append((kind, is_hit))


async def wait_until_stored() -> None:
    """Wait until what was put or looked up before has been stored or found, or has failed to be."""
    await asyncio.gather(*map(asyncio.wrap_future, THREAD_WORK), return_exceptions=True)


async def test_it_works(upstream: Upstream, cache: SpeechCache) -> None:
    site = Site(upstream, cache)
    first, second = await site.say(OPENER), await site.say(OPENER)
    assert b"".join(first) == b"".join(second) == make_speech(OPENER)
    assert [len(piece) for piece in second[:-1]] == [9_600] * (len(second) - 1)
    assert len(upstream.list_requests("speech")) == 1
    assert site.tallied == [("tts", False), ("tts", True)]


async def test_words_heard_before(upstream: Upstream, cache: SpeechCache) -> None:
    upstream.script(transcripts=("Grüße “an” Zoë.", "Something else."))
    site = Site(upstream, cache)
    text, seconds = await site.hear()
    assert text == "Grüße “an” Zoë."
    assert seconds > 0
    assert await site.hear() == (text, 0.0)  # costs nothing
    assert site.tallied == [("stt", False), ("stt", True)]


async def test_an_opener_is_shared_between_users(upstream: Upstream, cache: SpeechCache) -> None:
    site = Site(upstream, cache)
    await site.say(OPENER, ALICE)
    await site.say(OPENER, BOB)
    assert site.tallied == [("tts", False), ("tts", True)]


@pytest.mark.parametrize("text", [PRIVATE, "Your code is 4711."])
async def test_what_may_be_private_is_not_shared(upstream: Upstream, text: str) -> None:
    site = Site(upstream, make_memory_cache())
    await site.say(text, ALICE)
    await site.say(text, BOB)
    await site.say(text, ALICE)
    assert site.tallied == [("tts", False), ("tts", False), ("tts", True)]


@pytest.mark.parametrize(("said", "age_sec"), [(OPENER, 86_400), (PRIVATE, 600), ("", 600)])
async def test_what_may_be_private_is_kept_for_minutes_and_openers_for_a_day(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, said: str, age_sec: int
) -> None:
    """Said, or heard; looked for a little before the end and after it."""
    site, began_at = Site(upstream, make_memory_cache()), time.time()
    for passed_sec in (0, age_sec - 60, age_sec + 60):
        monkeypatch.setattr(locmem, "time", SimpleNamespace(time=lambda now=began_at + passed_sec: now))
        await (site.say(said) if said else site.hear())
    assert [is_hit for _, is_hit in site.tallied] == [False, True, False]


async def test_nobody_hits_what_another_said(upstream: Upstream, cache: SpeechCache) -> None:
    site = Site(upstream, cache)
    await site.hear(user_id=ALICE)
    await site.hear(user_id=BOB)
    assert site.tallied == [("stt", False), ("stt", False)]
    assert len(upstream.list_requests("transcriptions")) == 2


async def test_long_texts_are_never_kept(upstream: Upstream) -> None:
    site = Site(upstream, make_memory_cache())
    assert b"".join(await site.say(LONG)) == b"".join(await site.say(LONG)) == make_speech(LONG)
    assert site.tallied == []


@pytest.mark.parametrize("how", [{"voice": "onyx"}, {"language": "de"}, {"speed": 1.25}])
async def test_another_way_of_speaking_is_another_entry(upstream: Upstream, how: dict[str, object]) -> None:
    site = Site(upstream, make_memory_cache())
    await site.say(OPENER)
    await site.say(OPENER, **how)  # type: ignore[arg-type]
    assert site.tallied == [("tts", False), ("tts", False)]


async def test_another_engine_is_another_entry(upstream: Upstream) -> None:
    cache = make_memory_cache()
    await Site(upstream, cache).say(OPENER)
    for changes in ({"model": "m-2"}, {"voice": "onyx"}, {"base_url": f"{upstream.openai_url}/"}):
        site = Site(upstream, cache, **changes)
        await site.say(OPENER)
        assert site.tallied == [("tts", False)]


@pytest.mark.parametrize(("voice", "is_shared"), [("nova", True), ("", True), ("voice_5f3a", False)])
async def test_another_account_shares_what_public_voices_say(upstream: Upstream, voice: str, is_shared: bool) -> None:
    """Any other voice may belong to an account, and then its name means another one elsewhere."""
    cache = make_memory_cache()
    await Site(upstream, cache, voice=voice).say(OPENER)
    other = Site(upstream, cache, voice=voice, api_key="another")
    await other.say(OPENER)
    assert other.tallied == [("tts", is_shared)]


async def test_which_slot_is_taken_is_a_secret_of_the_site(upstream: Upstream) -> None:
    """Or else one user could tell, by an entry of their own that went, what was said to another."""
    site = Site(upstream, make_memory_cache())
    await site.say(PRIVATE)
    with override_settings(SECRET_KEY="another"):
        await site.say(PRIVATE)
    assert site.tallied == [("tts", False), ("tts", False)]


async def test_name_servers_that_hang_keep_nobody_waiting(upstream: Upstream) -> None:
    """The loop's own threads look up names, also those that users type."""
    site = Site(upstream, make_memory_cache())
    await site.hear()
    loop, free = asyncio.get_running_loop(), Event()
    with ThreadPoolExecutor(1) as only:
        loop.set_default_executor(only)
        only.submit(free.wait)
        try:
            async with asyncio.timeout(5):
                await site.hear()
        finally:
            free.set()
    assert site.tallied == [("stt", False), ("stt", True)]


async def test_other_audio_or_hints_are_other_entries(upstream: Upstream) -> None:
    site = Site(upstream, make_memory_cache())
    await site.hear()
    await site.hear(UTTERANCE[:-2])
    await site.hear(hints=Hints("en", keywords=("Zoë",)))
    assert [is_hit for _, is_hit in site.tallied] == [False] * 3


async def test_a_stream_closed_midway_is_not_kept(upstream: Upstream) -> None:
    upstream.behave("speech", piece_bytes=9_600, fault="hang", fault_after=1, fault_times=1)
    site = Site(upstream, make_memory_cache())
    async with aclosing(site.make_tts().speak(OPENER)) as stream:
        await anext(stream)
    await asyncio.to_thread(upstream.wait_for, "speech", "closed_by_peer")
    assert b"".join(await site.say(OPENER)) == make_speech(OPENER)
    assert site.tallied == [("tts", False), ("tts", False)]


async def test_a_stream_that_broke_off_is_not_kept(upstream: Upstream) -> None:
    upstream.behave("speech", fault="cut", fault_after=2, fault_times=1)
    site = Site(upstream, make_memory_cache())
    with pytest.raises(EngineUnavailable):
        await gather(site.make_tts().speak(OPENER), [])
    assert b"".join(await site.say(OPENER)) == make_speech(OPENER)
    assert site.tallied == [("tts", False), ("tts", False)]


async def test_it_never_holds_more_than_its_slots(upstream: Upstream, redis_url: str) -> None:
    """In Redis as in memory; an older entry that lost its place is made anew, and never mistaken for another."""
    for backend in (make_memory_backend(), make_redis_backend(redis_url)):
        site = Site(upstream, SpeechCache(backend, slots=2))
        texts = ["One.", "Two.", "Three.", "Four.", "Five.", "Six."]
        for text in texts * 2:
            assert b"".join(await site.say(text)) == make_speech(text)
        assert {f"tts:{place}" for place in range(50) if backend.get(f"tts:{place}")} <= {"tts:0", "tts:1"}


async def test_without_slots_nothing_is_kept(upstream: Upstream) -> None:
    site = Site(upstream, make_memory_cache(slots=0))
    await site.say(OPENER)
    await site.say(OPENER)
    assert site.tallied == [("tts", False), ("tts", False)]


@contextmanager
def run_short_lived_redis() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder, run_redis(Path(folder)) as url:
        yield url


async def test_a_redis_that_died_costs_nothing_but_hits(upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    with run_short_lived_redis() as url:
        site = Site(upstream, make_redis_cache(url))
        await site.say(OPENER)
        await site.say(OPENER)
    for _ in range(3):
        assert b"".join(await site.say(OPENER)) == make_speech(OPENER)
    assert [is_hit for _, is_hit in site.tallied] == [False, True, False, False, False]
    assert len([record for record in caplog.records if "speech cache" in record.message]) == 1


async def test_a_redis_that_hangs_is_a_miss(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech_cache, "PATIENCE_SEC", PATIENCE_SEC)

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            pass
        writer.close()

    with tempfile.TemporaryDirectory() as folder:
        async with await asyncio.start_unix_server(listen, f"{folder}/redis.sock"):
            site = Site(upstream, make_redis_cache(f"unix://{folder}/redis.sock"))
            assert b"".join(await site.say(OPENER)) == make_speech(OPENER)
            assert (await site.hear())[0] == "Hello there."
    assert site.tallied == [("tts", False), ("stt", False)]


async def test_the_site_has_one_cache_which_is_named_speech() -> None:
    cache = speech_cache.get_site_cache()
    assert cache is speech_cache.get_site_cache()
    cache.put("tts", b"d" * 32, b"sound", 60)
    assert await cache.get("tts", b"d" * 32) == b"sound"
    caches["speech"].clear()  # another object in another thread, but of the same cache
    assert await cache.get("tts", b"d" * 32) is None


async def test_the_sites_cache_has_as_many_slots_as_its_size_allows() -> None:
    cache, digests = speech_cache.get_site_cache(), [number.to_bytes(8) * 4 for number in range(10_000)]
    for digest in digests:
        cache.put("tts", digest, b"sound", 60)
    kept = [digest for digest in digests if await cache.get("tts", digest)]
    largest = speech_cache.MAX_SPEECH_BYTES + speech_cache.MAX_WORDS_BYTES
    assert 0 < len(kept) * largest <= settings.SPEECH_CACHE_MB * 1_000_000
    caches["speech"].clear()
