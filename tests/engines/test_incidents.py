"""What operators hear of engines."""

import logging
from typing import Any

import pytest

from conversations.engines import incidents
from conversations.engines.base import ChatMessage, EngineSpec, Hints
from conversations.engines.errors import EngineError
from conversations.engines.incidents import EngineIncident
from conversations.engines.registry import make_llm, make_stt, make_stt_stream, make_tts
from tests.upstream.fixtures import Upstream

SECRET = "sk-secret-of-the-test"
SECOND = bytes(48_000)


HEARD: list[EngineIncident] = []


def note_incident(incident: EngineIncident) -> None:
    HEARD.append(incident)


@pytest.fixture
def told() -> list[EngineIncident]:
    """Return the list to which the incidents of the test are added."""
    incidents.add_listener(note_incident)  # once for all tests, since it is the same function
    HEARD.clear()
    return HEARD


def make_spec(upstream: Upstream, provider: str = "openai", timeout_sec: float = 10.0) -> EngineSpec:
    url = upstream.google_url if provider == "google" else upstream.openai_url
    return EngineSpec(
        provider, "the-model", api_key=SECRET, base_url=url, timeout_sec=timeout_sec, stream_model="live-model"
    )


@pytest.mark.parametrize(
    ("fault", "outcome", "code", "status"),
    [
        ("401", "refused", "invalid_provider_key", 401),
        ("404", "refused", "engine_rejected", 404),
        ("429_quota", "refused", "insufficient_quota", 429),
        ("429_rate", "failed", "rate_limit_exceeded", 429),
        ("500", "failed", "engine_unavailable", 500),
        ("hang", "failed", "engine_timeout", None),
        ("cut", "failed", "engine_unavailable", None),
        ("garbage", "refused", "engine_rejected", None),
    ],
)
async def test_a_failure_is_told_once(
    upstream: Upstream,
    told: list[EngineIncident],
    fault: str,
    outcome: incidents.Outcome,
    code: str,
    status: int | None,
) -> None:
    upstream.behave("transcriptions", fault=fault)
    with pytest.raises(EngineError):
        await make_stt(make_spec(upstream, timeout_sec=0.5 if fault == "hang" else 10.0)).transcribe(SECOND)
    assert told[-1] == EngineIncident("stt", "openai", "the-model", outcome, code, status)
    assert {event.outcome for event in told[:-1]} <= {"retried"}


async def test_a_further_try_is_told(upstream: Upstream, told: list[EngineIncident]) -> None:
    upstream.behave("transcriptions", fault="500", fault_times=1)
    await make_stt(make_spec(upstream)).transcribe(SECOND)
    assert told == [EngineIncident("stt", "openai", "the-model", "retried", "engine_unavailable", 500)]


@pytest.mark.parametrize("endpoint", ["chat", "speech", "google_streaming"])
async def test_a_failure_of_each_engine_is_told(upstream: Upstream, told: list[EngineIncident], endpoint: str) -> None:
    upstream.behave(endpoint, fault="401")
    stream: Any = make_llm(make_spec(upstream)).complete([ChatMessage("user", "Hello")])
    if endpoint != "chat":
        provider = "google" if endpoint.startswith("google") else "openai"
        stream = make_tts(make_spec(upstream, provider)).speak("Hello")
    with pytest.raises(EngineError):
        await anext(stream)
    assert [(event.outcome, event.code) for event in told] == [("refused", "invalid_provider_key")]


async def test_a_stream_that_breaks_is_told(upstream: Upstream, told: list[EngineIncident]) -> None:
    upstream.behave("chat", fault="cut", fault_after=2)
    with pytest.raises(EngineError):
        async for _ in make_llm(make_spec(upstream)).complete([ChatMessage("user", "Hello")]):
            pass
    assert [(event.engine, event.outcome) for event in told] == [("llm", "failed")]


async def test_a_stream_that_is_left_is_not_told(upstream: Upstream, told: list[EngineIncident]) -> None:
    stream = make_llm(make_spec(upstream)).complete([ChatMessage("user", "Hello")])
    await anext(stream)
    await stream.aclose()
    assert told == []


async def test_speech_to_text_that_streams_is_told_with_its_model(
    upstream: Upstream, told: list[EngineIncident]
) -> None:
    upstream.behave("live_transcriptions", fault="401")
    engine = make_stt_stream(make_spec(upstream))
    assert engine is not None
    stream = engine.listen(lambda _: None)
    stream.begin(Hints())
    stream.send(SECOND)
    with pytest.raises(EngineError):
        await stream.commit()
    await stream.close()
    assert told[0] == EngineIncident("stt", "openai", "live-model", "refused", "invalid_provider_key", 401)


async def test_the_line_holds_neither_keys_nor_words(upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    upstream.behave("chat", refused_parameter="model", refusal=f"What is {SECRET} about my diary?")
    with caplog.at_level(logging.WARNING), pytest.raises(EngineError):
        await anext(make_llm(make_spec(upstream)).complete([ChatMessage("user", "my diary")]))
    [line] = [record.message for record in caplog.records if record.name == "conversations.engines"]
    assert line == (
        "engine_event engine=llm provider=openai model='the-model' outcome=refused code=engine_rejected status=400"
    )


def test_a_model_cannot_forge_a_line() -> None:
    event = EngineIncident("llm", "openai", "x\nengine_event é" + "y" * 500, "failed", "engine_timeout")
    assert "\n" not in str(event)
    assert len(str(event)) < 250
