import asyncio

import pytest

from conversations.engines.base import EngineSpec
from conversations.engines.errors import (
    EngineAuthError,
    EngineError,
    EngineQuotaError,
    EngineRejected,
    EngineTimeout,
    EngineUnavailable,
)
from conversations.engines.openai.tts import Speech
from tests.support.patience import stretch
from tests.support.streams import gather
from tests.upstream.fixtures import Upstream
from tests.upstream.sound import make_speech

SECRET = "sk-secret-of-the-test"
TEXT = "Good evening."


def make_engine(upstream: Upstream, **changes: object) -> Speech:
    fields = {"provider": "openai", "model": "tts-1", "api_key": SECRET, "base_url": upstream.openai_url}
    return Speech(EngineSpec(**{**fields, **changes}))  # type: ignore[arg-type]


async def test_it_works(upstream: Upstream) -> None:
    pieces = [piece async for piece in make_engine(upstream, voice="onyx").speak(TEXT)]
    assert b"".join(pieces) == make_speech(TEXT)
    [request] = upstream.list_requests("speech")
    assert request["key"] == SECRET
    assert request["asked"] == {"model": "tts-1", "voice": "onyx", "input": TEXT, "response_format": "pcm"}


async def test_the_caller_chooses_voice_and_speed(upstream: Upstream) -> None:
    async for _ in make_engine(upstream, voice="onyx").speak(TEXT, voice="nova", speed=1.25):
        pass
    [request] = upstream.list_requests("speech")
    assert (request["asked"]["voice"], request["asked"]["speed"]) == ("nova", 1.25)


async def test_samples_are_never_torn(upstream: Upstream) -> None:
    upstream.behave("speech", piece_bytes=1_001, realtime=50)
    pieces = [piece async for piece in make_engine(upstream).speak(TEXT)]
    assert len(pieces) > 1
    assert all(len(piece) % 2 == 0 for piece in pieces)
    assert b"".join(pieces) == make_speech(TEXT)


async def test_nothing_to_say_costs_nothing(upstream: Upstream) -> None:
    assert [piece async for piece in make_engine(upstream).speak("  \n")] == []
    assert upstream.list_requests("speech") == []


async def test_closing_the_generator_closes_the_stream_upstream(upstream: Upstream) -> None:
    upstream.behave("speech", fault="hang", fault_after=2)
    stream = make_engine(upstream).speak(TEXT)
    await anext(stream)
    await stream.aclose()
    [request] = await asyncio.to_thread(upstream.wait_for, "speech", "ended")
    assert request["ending"] == "closed_by_peer"


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("401", EngineAuthError, "refused the key"),
        ("404", EngineRejected, "refused the request"),
        ("429_quota", EngineQuotaError, "no credit left"),
        ("500", EngineUnavailable, "a problem on its side (error 500)"),
        ("cut", EngineUnavailable, "broke off"),
        ("garbage", EngineRejected, "not PCM audio but text/html"),
        ("empty", EngineRejected, "Check the base URL"),
    ],
)
async def test_a_fault_becomes_a_sentence(upstream: Upstream, fault: str, error: type[EngineError], words: str) -> None:
    upstream.behave("speech", fault=fault)
    with pytest.raises(error) as caught:
        await anext(make_engine(upstream).speak(TEXT))
    assert caught.value.message.startswith("Text to speech (OpenAI-compatible server) ")
    assert words in caught.value.message
    assert SECRET not in caught.value.message


async def test_a_server_that_never_answers(upstream: Upstream) -> None:
    upstream.behave("speech", fault="hang")
    with pytest.raises(EngineTimeout, match=r"sent nothing for 0\.5 seconds"):
        await anext(make_engine(upstream, timeout_sec=0.5).speak(TEXT))


@pytest.mark.parametrize(("fault", "error"), [("cut", EngineUnavailable), ("hang", EngineTimeout)])
async def test_a_fault_amid_the_speech_keeps_what_came(
    upstream: Upstream, fault: str, error: type[EngineError]
) -> None:
    upstream.behave("speech", fault=fault, fault_after=3)
    came: list[bytes] = []
    with pytest.raises(error):
        await gather(make_engine(upstream, timeout_sec=stretch(0.5)).speak(TEXT), came)
    assert b"".join(came) == make_speech(TEXT)[: 3 * 4_800]
    assert len(upstream.list_requests("speech")) == 1
