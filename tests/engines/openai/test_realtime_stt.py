"""Speech to text while the user speaks: utterances, their commits, and what is told meanwhile."""

import asyncio

import pytest

from conversations.engines.base import NO_HINTS, EngineSpec, Hints, Transcript
from conversations.engines.errors import EngineUnavailable
from conversations.engines.openai import realtime_stt_protocol
from conversations.engines.registry import make_stt
from conversations.network.http import close_clients
from tests.support.live_ears import BLINK, LIVE, SECRET, SOUND, WORDS, build_spec, open_ear
from tests.upstream.__main__ import start_http
from tests.upstream.behaviour import World
from tests.upstream.fixtures import Upstream


async def test_it_works(upstream: Upstream) -> None:
    upstream.script(transcripts=(WORDS, "And tomorrow?"))
    async with open_ear(build_spec(upstream)) as ear:
        ear.stream.begin(Hints("de-AT", "Weather", ("Kiel", "Förde")))
        ear.say()
        await ear.wait_for(WORDS)
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
        assert await ear.transcribe() == Transcript("And tomorrow?", 3.0)
    assert len(upstream.wait_for(LIVE, "closed_by_peer")) == 1


async def test_an_utterance_goes_on_after_a_commit(upstream: Upstream) -> None:
    upstream.script(transcripts=("I would like", "two tickets."))
    async with open_ear(build_spec(upstream)) as ear:
        assert (await ear.transcribe()).text == "I would like"
        ear.say()
        await ear.wait_for("I would like two tickets.")
        assert await ear.stream.commit() == Transcript("I would like two tickets.", 6.0)


async def test_several_commits_outstanding(upstream: Upstream) -> None:
    upstream.script(transcripts=("One", "two", "three."))
    async with open_ear(build_spec(upstream)) as ear:
        ear.stream.begin(NO_HINTS)
        commits = []
        for _ in range(3):
            ear.say()
            commits.append(asyncio.create_task(ear.stream.commit()))
            await asyncio.sleep(0)
        ear.stream.begin(NO_HINTS)  # they are still waited for
        assert [commit.text for commit in await asyncio.gather(*commits)] == ["One", "One two", "One two three."]


async def test_what_is_too_short_to_commit(upstream: Upstream) -> None:
    async with open_ear(build_spec(upstream)) as ear:
        ear.stream.begin(NO_HINTS)
        ear.say(BLINK)
        assert await ear.stream.commit() == Transcript("", 0.0)
        assert (await ear.transcribe()).text == "Hello there."
        ear.say(BLINK)
        assert (await ear.stream.commit()).text == "Hello there."
    [connection] = upstream.wait_for(LIVE, "closed_by_peer")
    assert connection["asked"]["commits"] == 1


async def test_an_utterance_that_is_never_committed_is_forgotten(upstream: Upstream) -> None:
    upstream.script(transcripts=("Forget this.", "Hear this."))
    async with open_ear(build_spec(upstream)) as ear:
        ear.stream.begin(NO_HINTS)
        ear.say()
        await ear.wait_for("Forget this.")
        assert (await ear.transcribe()).text == "Hear this."
    assert ear.partials[-1] == "Hear this."
    assert upstream.list_requests(LIVE)[0]["asked"]["clears"] == 1


async def test_a_cancelled_commit_still_counts(upstream: Upstream) -> None:
    upstream.script(transcripts=("One", "two."))
    async with open_ear(build_spec(upstream)) as ear:
        ear.stream.begin(NO_HINTS)
        ear.say()
        commit = asyncio.create_task(ear.stream.commit())
        await asyncio.sleep(0)
        commit.cancel()
        ear.say()
        assert (await ear.stream.commit()).text == "One two."


async def test_a_hint_that_the_model_does_not_take(upstream: Upstream) -> None:
    upstream.behave(LIVE, refused_parameter="keywords")
    async with open_ear(build_spec(upstream)) as ear:
        ear.stream.begin(Hints(keywords=("Kiel", "Förde")))
        ear.say()
        assert (await ear.stream.commit()).text == "Hello there."
    asked = upstream.list_requests(LIVE)[0]["asked"]["transcription"]
    assert asked == {"model": "gpt-live", "prompt": "Kiel, Förde"}


async def test_more_audio_than_an_utterance_may_hold(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realtime_stt_protocol, "MAX_KEPT_BYTES", 48_000)
    async with open_ear(build_spec(upstream)) as ear:
        with pytest.raises(EngineUnavailable, match="does not keep up"):
            await ear.transcribe()
        ear.stream.begin(NO_HINTS)
        ear.say(SOUND[:24_000])
        assert (await ear.stream.commit()).text == "Hello there."


@pytest.mark.parametrize("metered", [-1, 10**12, "seven", [], {}])
async def test_what_cannot_be_stored_is_left_out(upstream: Upstream, metered: object) -> None:
    upstream.script(transcripts=("What\0 is the \ud800time?",))
    upstream.behave(LIVE, metered=metered)
    async with open_ear(build_spec(upstream)) as ear:
        assert await ear.transcribe() == Transcript("What is the time?", 3.0)


async def test_closing_ends_who_waits(upstream: Upstream) -> None:
    upstream.behave(LIVE, fault="mute")
    async with open_ear(build_spec(upstream)) as ear:
        commit = asyncio.create_task(ear.transcribe())
        await asyncio.sleep(0)
        await ear.stream.close()
        with pytest.raises(EngineUnavailable):
            await commit


async def test_a_benchmarks_own_ears_hear_on_both_ways() -> None:
    world = World()
    world.ears = lambda pcm, rate: " ".join(["tick"] * (len(pcm) // (2 * rate)))  # a word a second
    server = await start_http(world)
    try:
        spec = EngineSpec("openai", base_url=f"http://127.0.0.1:{server.addresses[0][1]}/v1", stream_model="gpt-live")
        assert (await make_stt(spec).transcribe(SOUND)).text == "tick tick tick"
        async with open_ear(spec) as ear:
            assert (await ear.transcribe()).text == "tick tick tick"
    finally:
        await close_clients()
        await server.cleanup()
