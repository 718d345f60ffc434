import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from websockets.asyncio.server import ServerConnection, serve

from conversations.engines.base import NO_HINTS, EngineSpec, Hints, Transcript, TranscriptStream
from conversations.engines.errors import (
    EngineAuthError,
    EngineBusy,
    EngineError,
    EngineQuotaError,
    EngineRejected,
    EngineTimeout,
    EngineUnavailable,
)
from conversations.engines.openai import live_protocol, live_socket, live_stt
from conversations.engines.registry import make_stt, make_stt_stream
from conversations.network.http import close_clients
from tests.upstream.__main__ import start_http
from tests.upstream.behaviour import World
from tests.upstream.fixtures import Upstream
from tests.upstream.sound import speech

LIVE = "live_transcriptions"
SECRET = "sk-secret-of-the-test"
WORDS = "Is it raining in Kiel today?"
SOUND = speech("x" * 50)[: 3 * 48_000]  # three seconds, in which ten words are said
FRAME = 1_920  # 40 ms
BLINK = SOUND[:FRAME]  # less than upstream takes


class Ear:
    """A stream with the partial transcripts that it told."""

    def __init__(self, spec: EngineSpec) -> None:
        engine = make_stt_stream(spec)
        assert engine is not None
        self.partials: list[str] = []
        self._told = asyncio.Event()
        self.stream: TranscriptStream = engine.listen(self._tell)

    def _tell(self, words: str) -> None:
        self.partials.append(words)
        self._told.set()

    async def hears(self, words: str) -> None:
        async with asyncio.timeout(5):
            while words not in self.partials:
                self._told.clear()
                await self._told.wait()

    def say(self, pcm: bytes = SOUND) -> None:
        for start in range(0, len(pcm), FRAME):
            self.stream.send(pcm[start : start + FRAME])

    async def utterance(self) -> Transcript:
        self.stream.begin(NO_HINTS)
        self.say()
        return await self.stream.commit()


def spec_of(upstream: Upstream, **changes: object) -> EngineSpec:
    spec = EngineSpec("openai", "gpt-transcribe", api_key=SECRET, base_url=upstream.openai_url, stream_model="gpt-live")
    return replace(spec, **changes)  # type: ignore[arg-type]


@asynccontextmanager
async def listening(spec: EngineSpec) -> AsyncIterator[Ear]:
    others = asyncio.all_tasks()
    ear = Ear(spec)
    try:
        yield ear
    finally:
        await ear.stream.close()
        assert not [task for task in asyncio.all_tasks() - others if not task.done()]


async def test_it_works(upstream: Upstream) -> None:
    upstream.script(transcripts=(WORDS, "And tomorrow?"))
    async with listening(spec_of(upstream)) as ear:
        ear.stream.begin(Hints("de-AT", "Weather", ("Kiel", "Förde")))
        ear.say()
        await ear.hears(WORDS)
        assert all(WORDS.startswith(partial) for partial in ear.partials)
        assert len(ear.partials) > 1
        assert await ear.stream.commit() == Transcript(WORDS, 3.0)
        [connection] = upstream.wait_for(LIVE, "streaming")
        assert connection["key"] == SECRET
        assert connection["asked"]["intent"] == "transcription"
        assert connection["asked"]["transcription"] == {
            "model": "gpt-live",
            "language": "de",
            "prompt": "Weather",
            "keywords": ["Kiel", "Förde"],
        }
        assert await ear.utterance() == Transcript("And tomorrow?", 3.0)
    assert len(upstream.wait_for(LIVE, "closed_by_peer")) == 1


async def test_an_utterance_goes_on_after_a_commit(upstream: Upstream) -> None:
    upstream.script(transcripts=("I would like", "two tickets."))
    async with listening(spec_of(upstream)) as ear:
        assert (await ear.utterance()).text == "I would like"
        ear.say()
        await ear.hears("I would like two tickets.")
        assert await ear.stream.commit() == Transcript("I would like two tickets.", 6.0)


async def test_several_commits_outstanding(upstream: Upstream) -> None:
    upstream.script(transcripts=("One", "two", "three."))
    async with listening(spec_of(upstream)) as ear:
        ear.stream.begin(NO_HINTS)
        commits = []
        for _ in range(3):
            ear.say()
            commits.append(asyncio.create_task(ear.stream.commit()))
            await asyncio.sleep(0)
        ear.stream.begin(NO_HINTS)  # they are still waited for
        assert [commit.text for commit in await asyncio.gather(*commits)] == ["One", "One two", "One two three."]


async def test_what_is_too_short_to_commit(upstream: Upstream) -> None:
    async with listening(spec_of(upstream)) as ear:
        ear.stream.begin(NO_HINTS)
        ear.say(BLINK)
        assert await ear.stream.commit() == Transcript("", 0.0)
        assert (await ear.utterance()).text == "Hello there."
        ear.say(BLINK)
        assert (await ear.stream.commit()).text == "Hello there."
    [connection] = upstream.wait_for(LIVE, "closed_by_peer")
    assert connection["asked"]["commits"] == 1


async def test_an_utterance_that_is_never_committed_is_forgotten(upstream: Upstream) -> None:
    upstream.script(transcripts=("Forget this.", "Hear this."))
    async with listening(spec_of(upstream)) as ear:
        ear.stream.begin(NO_HINTS)
        ear.say()
        await ear.hears("Forget this.")
        assert (await ear.utterance()).text == "Hear this."
    assert ear.partials[-1] == "Hear this."
    assert upstream.requests(LIVE)[0]["asked"]["clears"] == 1


async def test_a_cancelled_commit_still_counts(upstream: Upstream) -> None:
    upstream.script(transcripts=("One", "two."))
    async with listening(spec_of(upstream)) as ear:
        ear.stream.begin(NO_HINTS)
        ear.say()
        commit = asyncio.create_task(ear.stream.commit())
        await asyncio.sleep(0)
        commit.cancel()
        ear.say()
        assert (await ear.stream.commit()).text == "One two."


@pytest.mark.parametrize("fault", ["cut", "session_expired"])
@pytest.mark.parametrize("frames", [20, 120])
async def test_a_cut_is_mended(upstream: Upstream, fault: str, frames: int) -> None:
    """Amid the first piece, and with one settled: all that is not settled is told again."""
    upstream.script(transcripts=("One", "two.", "two."))
    upstream.behave(LIVE, fault=fault, fault_times=1, fault_after=frames)
    async with listening(spec_of(upstream)) as ear:
        first = (await ear.utterance()).text
        ear.say()
        assert await ear.stream.commit() == Transcript(f"{first} two.", 6.0)
    assert len(upstream.requests(LIVE)) == 2


async def test_a_cut_with_a_commit_outstanding(upstream: Upstream) -> None:
    upstream.script(transcripts=("Lost.", "One", "two."))
    upstream.behave(LIVE, fault="cut", fault_times=1, fault_after=75)
    async with listening(spec_of(upstream)) as ear:
        ear.stream.begin(NO_HINTS)
        ear.say()
        commit = asyncio.create_task(ear.stream.commit())
        assert (await commit).text == "One"
        ear.say()
        assert (await ear.stream.commit()).text == "One two."


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("401", EngineAuthError, "refused the key. Change it under Settings"),
        ("403", EngineAuthError, "Country not supported."),
        ("404", EngineRejected, "It said: “The model does not exist.”"),
        ("404_path", EngineRejected, "found nothing at its base URL"),
        ("302", EngineRejected, "refused the request"),
        ("429_rate", EngineBusy, "too many requests"),
        ("429_quota", EngineQuotaError, "no credit left"),
        ("500", EngineUnavailable, "a problem on its side (error 500)"),
        ("garbage", EngineRejected, ""),
        ("failed", EngineUnavailable, "a problem on its side (transcription_failed)"),
        ("error_event", EngineUnavailable, "a problem on its side (server_error)"),
    ],
)
async def test_a_fault_becomes_a_sentence(upstream: Upstream, fault: str, error: type[EngineError], words: str) -> None:
    upstream.behave(LIVE, fault=fault, fault_after=20 if fault == "error_event" else 0)
    async with listening(spec_of(upstream)) as ear:
        with pytest.raises(error) as caught:
            await ear.utterance()
    assert type(caught.value) is error
    assert caught.value.message.startswith("Speech to text (OpenAI-compatible server) ")
    assert words in caught.value.message
    assert SECRET not in caught.value.message


@pytest.mark.parametrize(
    ("fault", "error"),
    [("401", EngineAuthError), ("429_quota", EngineQuotaError), ("429_rate", EngineBusy), ("garbage", EngineRejected)],
)
async def test_a_fault_amid_an_utterance(upstream: Upstream, fault: str, error: type[EngineError]) -> None:
    upstream.behave(LIVE, fault=fault, fault_times=1, fault_after=20)
    async with listening(spec_of(upstream)) as ear:
        with pytest.raises(error):
            await ear.utterance()
        assert (await ear.utterance()).text == "Hello there."


async def test_a_server_that_is_away_and_comes_back(upstream: Upstream) -> None:
    upstream.behave(LIVE, fault="503", fault_times=4)
    async with listening(spec_of(upstream)) as ear:
        for tries in range(2, 5):  # an utterance has it tried again at once
            await asyncio.to_thread(upstream.wait_for, LIVE, "ended", tries)
            with pytest.raises(EngineUnavailable, match="error 503"):
                await ear.utterance()
        ear.stream.begin(NO_HINTS)
        ear.say()
        await ear.hears("Hello there.")
        assert (await ear.stream.commit()).text == "Hello there."


async def test_a_server_that_is_not_there(upstream: Upstream) -> None:
    async with listening(spec_of(upstream, base_url="http://127.0.0.1:9/v1")) as ear:
        for _ in range(3):
            with pytest.raises(EngineUnavailable, match="could not be reached"):
                await ear.utterance()


def test_the_pauses_between_tries_grow_up_to_half_a_minute() -> None:
    """Also in a session of a day whose server never came back."""
    assert [live_stt.choose_reconnect_pause_sec(misses) for misses in (0, 1, 2, 3, 6, 7, 10_000)] == [
        0.0,
        0.0,
        1.0,
        2.0,
        16.0,
        30.0,
        30.0,
    ]


async def test_a_refused_key_is_not_tried_again(upstream: Upstream) -> None:
    upstream.behave(LIVE, accepted_key="another")
    async with listening(spec_of(upstream)) as ear:
        for _ in range(3):
            with pytest.raises(EngineAuthError):
                await ear.utterance()
    assert len(upstream.requests(LIVE)) == 1


@pytest.mark.parametrize("fault", ["hang", "mute"])
async def test_a_server_that_never_answers(upstream: Upstream, fault: str) -> None:
    upstream.behave(LIVE, fault=fault, fault_times=1)
    async with listening(spec_of(upstream, timeout_sec=0.3)) as ear:
        with pytest.raises((EngineTimeout, EngineUnavailable)):
            await ear.utterance()
        await asyncio.to_thread(upstream.wait_for, LIVE, "received", 2)  # it hangs up, and connects again


async def test_a_server_that_stays_mute_costs_one_turn_its_time(upstream: Upstream) -> None:
    upstream.behave(LIVE, fault="mute")
    async with listening(spec_of(upstream, timeout_sec=0.3)) as ear:
        with pytest.raises(EngineTimeout):
            await ear.utterance()
        for _ in range(2):
            with pytest.raises(EngineTimeout):
                ear.utterance().send(None)  # without a wait


async def test_a_mute_server_is_believed_once_it_tells_words(upstream: Upstream) -> None:
    upstream.behave(LIVE, fault="mute", fault_times=1)
    async with listening(spec_of(upstream, timeout_sec=0.3)) as ear:
        with pytest.raises(EngineTimeout):
            await ear.utterance()
        ear.stream.begin(NO_HINTS)
        ear.say()
        await ear.hears("Hello there.")
        assert (await ear.stream.commit()).text == "Hello there."


async def test_a_mute_server_is_asked_again_after_a_while(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be one that tells words only once they are committed."""
    monkeypatch.setattr(live_stt, "MUTE_SEC", 0.0)
    upstream.behave(LIVE, fault="mute", fault_times=1)
    async with listening(spec_of(upstream, timeout_sec=0.3)) as ear:
        with pytest.raises(EngineTimeout):
            await ear.utterance()
        assert (await ear.utterance()).text == "Hello there."


class DeafServer:
    """Reads nothing, so that what it is told fills all buffers on the way."""

    def __init__(self) -> None:
        self.met: asyncio.Queue[ServerConnection] = asyncio.Queue()
        self._is_over = asyncio.Event()

    @asynccontextmanager
    async def listened_to(self) -> AsyncIterator[Ear]:
        async with serve(self._meet, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            try:
                yield Ear(EngineSpec("openai", base_url=url, stream_model="gpt-live", timeout_sec=0.5))
            finally:
                self._is_over.set()

    async def _meet(self, socket: ServerConnection) -> None:
        socket.transport.pause_reading()
        await self.met.put(socket)
        await self._is_over.wait()
        socket.transport.abort()


async def test_a_server_that_reads_no_more_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_socket, "CLOSE_SEC", 0.1)
    server = DeafServer()
    async with server.listened_to() as ear, asyncio.timeout(5):
        ear.stream.begin(NO_HINTS)
        ear.stream.send(bytes(125 * 48_000))
        with pytest.raises(EngineTimeout):
            await ear.stream.commit()
        await server.met.get()
        await server.met.get()  # it connects again
        await ear.stream.close()


async def test_a_server_that_reads_no_more_keeps_no_session_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_socket, "CLOSE_SEC", 0.1)
    async with DeafServer().listened_to() as ear, asyncio.timeout(5):
        ear.stream.begin(NO_HINTS)
        ear.stream.send(bytes(125 * 48_000))
        piece, before = ear.stream._protocol.utterance.open_piece, 0  # type: ignore[attr-defined]
        while piece.sent_bytes == 0 or piece.sent_bytes > before:  # until the buffers are full
            before = piece.sent_bytes
            await asyncio.sleep(0.05)
        await ear.stream.close()


async def test_a_hint_that_the_model_does_not_take(upstream: Upstream) -> None:
    upstream.behave(LIVE, refused_parameter="keywords")
    async with listening(spec_of(upstream)) as ear:
        ear.stream.begin(Hints(keywords=("Kiel", "Förde")))
        ear.say()
        assert (await ear.stream.commit()).text == "Hello there."
    asked = upstream.requests(LIVE)[0]["asked"]["transcription"]
    assert asked == {"model": "gpt-live", "prompt": "Kiel, Förde"}


async def test_more_audio_than_an_utterance_may_hold(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_protocol, "MAX_KEPT_BYTES", 48_000)
    async with listening(spec_of(upstream)) as ear:
        with pytest.raises(EngineUnavailable, match="does not keep up"):
            await ear.utterance()
        ear.stream.begin(NO_HINTS)
        ear.say(SOUND[:24_000])
        assert (await ear.stream.commit()).text == "Hello there."


@pytest.mark.parametrize("metered", [-1, 10**12, "seven", [], {}])
async def test_what_cannot_be_stored_is_left_out(upstream: Upstream, metered: object) -> None:
    upstream.script(transcripts=("What\0 is the \ud800time?",))
    upstream.behave(LIVE, metered=metered)
    async with listening(spec_of(upstream)) as ear:
        assert await ear.utterance() == Transcript("What is the time?", 3.0)


async def test_closing_ends_who_waits(upstream: Upstream) -> None:
    upstream.behave(LIVE, fault="mute")
    async with listening(spec_of(upstream)) as ear:
        commit = asyncio.create_task(ear.utterance())
        await asyncio.sleep(0)
        await ear.stream.close()
        with pytest.raises(EngineUnavailable):
            await commit


async def test_the_key_is_in_no_log(upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with listening(spec_of(upstream)) as ear:
        await ear.utterance()
    assert SECRET not in caplog.text


@pytest.mark.parametrize("key", ["sk-né", "sk-two\nlines"])
async def test_a_key_that_no_header_can_carry(upstream: Upstream, key: str) -> None:
    async with listening(spec_of(upstream, api_key=key)) as ear:
        with pytest.raises(EngineAuthError):
            await ear.utterance()


@pytest.mark.parametrize("url", ["http://[", "localhost:9/v1", "ftp://localhost/v1"])
async def test_a_base_url_that_is_none(upstream: Upstream, url: str) -> None:
    async with listening(spec_of(upstream, base_url=url)) as ear:
        with pytest.raises(EngineError, match="base URL"):
            await ear.utterance()


async def test_a_users_base_url_leads_to_no_private_address(upstream: Upstream) -> None:
    async with listening(spec_of(upstream, public_only=True)) as ear:
        with pytest.raises(EngineUnavailable, match="could not be reached"):
            await ear.utterance()
    assert upstream.requests(LIVE) == []


async def test_the_socket_goes_to_the_address_that_was_checked(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name would lead elsewhere, as it may a moment after the check."""

    async def checked(host: str, port: int) -> str:
        assert (host, f":{port}/") == (
            "rebound.invalid",
            upstream.openai_url.removeprefix("http://127.0.0.1").removesuffix("v1"),
        )
        return "127.0.0.1"

    monkeypatch.setattr(live_socket, "find_public_address", checked)
    url = upstream.openai_url.replace("127.0.0.1", "rebound.invalid")
    async with listening(spec_of(upstream, base_url=url, public_only=True)) as ear:
        assert (await ear.utterance()).text == "Hello there."


async def test_a_benchmarks_own_ears_hear_on_both_ways() -> None:
    world = World()
    world.ears = lambda pcm, rate: " ".join(["tick"] * (len(pcm) // (2 * rate)))  # a word a second
    server = await start_http(world)
    try:
        spec = EngineSpec("openai", base_url=f"http://127.0.0.1:{server.addresses[0][1]}/v1", stream_model="gpt-live")
        assert (await make_stt(spec).transcribe(SOUND)).text == "tick tick tick"
        async with listening(spec) as ear:
            assert (await ear.utterance()).text == "tick tick tick"
    finally:
        await close_clients()
        await server.cleanup()
