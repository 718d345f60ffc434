import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from conversations.engines.base import EngineSpec
from conversations.engines.errors import (
    EngineAuthError,
    EngineBusy,
    EngineError,
    EngineQuotaError,
    EngineRejected,
    EngineTimeout,
    EngineUnavailable,
)
from conversations.engines.openai.realtime_tts import ReadAloud
from tests.support.patience import stretch
from tests.support.streams import gather
from tests.upstream.fixtures import Upstream
from tests.upstream.sound import make_speech

SECRET = "sk-secret-of-the-test"
TEXT = "Good evening to all of you."
LIVE, RESPONSES = "live_conversations", "live_responses"


@asynccontextmanager
async def open_engine(upstream: Upstream, **changes: object) -> AsyncIterator[ReadAloud]:
    fields = {"provider": "openai-realtime", "model": "gpt-realtime-2.1-mini", "api_key": SECRET}
    engine = ReadAloud(EngineSpec(**{**fields, "base_url": upstream.openai_url, **changes}))  # type: ignore[arg-type]
    try:
        yield engine
    finally:
        await engine.close()


async def read_text(engine: ReadAloud, text: str = TEXT, **asked: Any) -> bytes:
    return b"".join([piece async for piece in engine.speak(text, **asked)])


async def test_it_works(upstream: Upstream) -> None:
    async with open_engine(upstream, voice="cedar") as engine:
        assert await read_text(engine, language="en") == make_speech(TEXT)
    [session], [response] = upstream.list_requests(LIVE), upstream.list_requests(RESPONSES)
    assert (session["key"], session["asked"]["model"]) == (SECRET, "gpt-realtime-2.1-mini")
    asked = response["asked"]
    assert (asked["conversation"], asked["input"], asked["output_modalities"]) == ("none", [], ["audio"])
    assert asked["audio"]["output"]["voice"] == "cedar"
    assert asked["instructions"].endswith(f"The language is en.\n<read>{TEXT}</read>")
    assert session["asked"]["session"]["audio"]["input"]["turn_detection"] is None


async def test_one_connection_reads_clause_after_clause(upstream: Upstream) -> None:
    async with open_engine(upstream) as engine:
        await engine.connect()
        await engine.connect()
        for text in ("One.", "Two.", "Three."):
            assert await read_text(engine, text) == make_speech(text)
    assert len(upstream.list_requests(LIVE)) == 1
    assert len({request["peer"] for request in upstream.list_requests(RESPONSES)}) == 1


async def test_clauses_are_read_side_by_side(upstream: Upstream) -> None:
    upstream.behave(RESPONSES, piece_ms=10)
    texts = ["One is the first.", "Two is the second.", "Three is the third."]
    async with open_engine(upstream) as engine:
        assert await asyncio.gather(*(read_text(engine, text) for text in texts)) == [
            make_speech(text) for text in texts
        ]
    seen = upstream.list_requests(RESPONSES)
    assert max(one["received_at"] for one in seen) < min(one["ended_at"] for one in seen)


async def test_the_caller_chooses_voice_and_speed(upstream: Upstream) -> None:
    async with open_engine(upstream) as engine:
        await read_text(engine)
        await read_text(engine, voice="echo", speed=2.0)
        await read_text(engine, voice="echo", speed=1.0)
    outputs = [one["asked"]["audio"]["output"] for one in upstream.list_requests(RESPONSES)]
    assert [(one["voice"], one["speed"]) for one in outputs] == [("marin", 1.0), ("echo", 1.5), ("echo", 1.0)]
    assert len(upstream.list_requests(LIVE)) == 2  # a session that has spoken keeps its voice


async def test_samples_are_never_torn(upstream: Upstream) -> None:
    upstream.behave(RESPONSES, piece_bytes=1_001)
    async with open_engine(upstream) as engine:
        pieces = [piece async for piece in engine.speak(TEXT)]
    assert all(len(piece) % 2 == 0 for piece in pieces)
    assert b"".join(pieces) == make_speech(TEXT)


async def test_nothing_to_say_costs_nothing(upstream: Upstream) -> None:
    async with open_engine(upstream) as engine:
        assert await read_text(engine, " … \n") == b""
    assert upstream.list_requests(LIVE) == []


async def test_closing_the_generator_cancels_the_response_at_once(upstream: Upstream) -> None:
    upstream.behave(RESPONSES, fault="hang", fault_after=10)
    async with open_engine(upstream) as engine:
        stream = engine.speak(TEXT)
        await anext(stream)
        began = time.monotonic()
        await stream.aclose()
        await asyncio.to_thread(upstream.wait_for, RESPONSES, "closed_by_peer")
        assert time.monotonic() - began < 0.1
        upstream.reset()
        assert await read_text(engine) == make_speech(TEXT)  # over the same connection
    assert upstream.list_requests(LIVE) == []


async def test_a_reading_that_is_left_before_it_has_begun_upstream(upstream: Upstream) -> None:
    async with open_engine(upstream) as engine:
        await engine.connect()
        task = asyncio.create_task(read_text(engine, TEXT * 20))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        for text in ("And now?", "And again?"):  # it is free for each
            assert await read_text(engine, text) == make_speech(text)
    assert len(upstream.list_requests(LIVE)) == 1


# What is said is checked against what was to be read.


async def test_an_answer_in_place_of_a_reading_is_not_heard(upstream: Upstream) -> None:
    text = "What is the capital of France?"
    upstream.script(readings=("The capital of France is Paris.",))
    async with open_engine(upstream) as engine:
        assert await read_text(engine, text) == make_speech(text)
    assert [one["ending"] for one in upstream.list_requests(RESPONSES)].count("done") >= 1
    assert len(upstream.list_requests(RESPONSES)) == 2


async def test_twice_is_an_error(upstream: Upstream) -> None:
    upstream.script(readings=("The capital of France is Paris.", "It is Paris."))
    came: list[bytes] = []
    async with open_engine(upstream) as engine:
        with pytest.raises(EngineRejected, match="did not read out the text it was given"):
            await gather(engine.speak("What is the capital of France?"), came)
    assert came == []


async def test_words_that_go_astray_in_the_middle_are_not_heard(upstream: Upstream) -> None:
    text = "You can take the early train, or wait for the bus that comes at noon."
    upstream.script(readings=("You can take the early train, but honestly I would rather stay at home.",))
    upstream.behave(RESPONSES, piece_ms=5)
    came: list[bytes] = []
    async with open_engine(upstream) as engine:
        with pytest.raises(EngineRejected, match="did not read out the text"):
            await gather(engine.speak(text), came)
    heard = len(b"".join(came)) / len(make_speech(text))
    assert 0.1 < heard < 0.6
    assert len(upstream.list_requests(RESPONSES)) == 1


async def test_the_rest_of_what_was_not_read_to_its_end_is_asked_for(upstream: Upstream) -> None:
    upstream.script(readings=("You can take the early train,",))
    async with open_engine(upstream) as engine:
        pcm = await read_text(engine, "You can take the early train, or wait for the bus.")
    assert pcm == make_speech("You can take the early train,") + make_speech(", or wait for the bus.")


async def test_words_that_never_come(upstream: Upstream) -> None:
    upstream.behave(RESPONSES, fault="empty")
    async with open_engine(upstream) as engine:
        with pytest.raises(EngineRejected, match="did not read out the text"):
            await read_text(engine)


# Faults.


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("401", EngineAuthError, "refused the key"),
        ("404", EngineRejected, "refused the request"),
        ("429_quota", EngineQuotaError, "no credit left"),
        ("429_rate", EngineBusy, "too many requests"),
        ("500", EngineUnavailable, "a problem on its side (error 500)"),
        ("error_event", EngineUnavailable, "a problem on its side (server_error)"),
        ("cut", EngineUnavailable, "broke off"),
        ("garbage", EngineRejected, "not a Realtime session"),
    ],
)
async def test_a_fault_of_the_session_becomes_a_sentence(
    upstream: Upstream, fault: str, error: type[EngineError], words: str
) -> None:
    upstream.behave(LIVE, fault=fault)
    async with open_engine(upstream) as engine:
        with pytest.raises(error) as caught:
            await read_text(engine)
    assert caught.value.message.startswith("Text to speech (OpenAI-compatible server) ")
    assert words in caught.value.message
    assert SECRET not in caught.value.message


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("failed", EngineUnavailable),
        ("429_quota", EngineQuotaError),
        ("cancelled", EngineRejected),
        ("error_event", EngineUnavailable),
        ("cut", EngineUnavailable),
        ("hang", EngineTimeout),
    ],
)
async def test_a_fault_amid_the_speech_keeps_what_came(
    upstream: Upstream, fault: str, error: type[EngineError]
) -> None:
    upstream.behave(RESPONSES, fault=fault, fault_after=9)
    came: list[bytes] = []
    async with open_engine(upstream, timeout_sec=stretch(0.5)) as engine:
        with pytest.raises(error):
            await gather(engine.speak(TEXT), came)
    assert b"".join(came) == make_speech(TEXT)[: 9 * 4_800]
    assert len(upstream.list_requests(RESPONSES)) == 1


async def test_a_response_that_fails_before_its_sound_is_tried_again(upstream: Upstream) -> None:
    upstream.behave(RESPONSES, fault="failed", fault_times=1)
    async with open_engine(upstream) as engine:
        assert await read_text(engine) == make_speech(TEXT)


@pytest.mark.parametrize("fault", ["cut", "session_expired"])
async def test_a_connection_that_was_lost_is_made_anew(upstream: Upstream, fault: str) -> None:
    upstream.behave(LIVE, fault=fault, fault_after=2, fault_times=1)  # with the second clause
    async with open_engine(upstream) as engine:
        assert await read_text(engine) == make_speech(TEXT)
        assert await read_text(engine) == make_speech(TEXT)
    assert len(upstream.list_requests(LIVE)) == 2


async def test_a_voice_that_upstream_does_not_know(upstream: Upstream) -> None:
    async with open_engine(upstream, voice="nobody") as engine:
        with pytest.raises(EngineRejected, match="Check the model and the voice"):
            await read_text(engine)


async def test_a_server_that_never_answers(upstream: Upstream) -> None:
    upstream.behave(RESPONSES, fault="hang")
    async with open_engine(upstream, timeout_sec=0.5) as engine:
        with pytest.raises(EngineTimeout, match=r"sent nothing for 0\.5 seconds"):
            await read_text(engine)


async def test_what_is_wrong_shows_in_the_request(upstream: Upstream) -> None:
    async with open_engine(upstream, base_url="http://127.0.0.1:9/v1") as engine:
        await engine.connect()
        with pytest.raises(EngineUnavailable):
            await read_text(engine)


async def test_a_users_base_url_leads_to_no_private_address(upstream: Upstream) -> None:
    async with open_engine(upstream, public_only=True, timeout_sec=0.5) as engine:
        with pytest.raises(EngineUnavailable):
            await read_text(engine)
    assert upstream.list_requests(LIVE) == []
