"""What a provider says of when to ask again is kept, as far as the turn's time allows."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import monotonic

import pytest

from conversations.engines.base import ChatMessage, EngineSpec
from conversations.engines.deadline import set_deadline
from conversations.engines.errors import EngineBusy, EngineError, EngineUnavailable
from conversations.engines.openai.provider_errors import parse_retry_after_sec
from conversations.engines.registry import make_llm, make_stt, make_tts
from tests.upstream.fixtures import Upstream

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
SECOND = bytes(48_000)


def make_spec(upstream: Upstream, timeout_sec: float = 5.0) -> EngineSpec:
    return EngineSpec("openai", "m", base_url=upstream.openai_url, timeout_sec=timeout_sec)


async def transcribe(upstream: Upstream, timeout_sec: float = 5.0) -> str:
    return (await make_stt(make_spec(upstream, timeout_sec)).transcribe(SECOND)).text


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=7), usegmt=True)}, 7.0),
        ({"retry-after": format_datetime(NOW - timedelta(seconds=7), usegmt=True)}, 0.0),
        ({"retry-after": "Sat, 28 Nov 2026 12:00:09"}, 9.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "Sat, 99 Nov 99999999999 12:00:09 GMT"}, None),
    ],
)
def test_what_the_headers_say(headers: dict[str, str], seconds: float | None) -> None:
    assert parse_retry_after_sec(headers, NOW) == seconds


@pytest.mark.parametrize("fault", ["429_rate", "503"])
@pytest.mark.parametrize("headers", [{"Retry-After": "1"}, {"retry-after-ms": "1000"}])
async def test_it_is_asked_again_then(upstream: Upstream, fault: str, headers: dict[str, str]) -> None:
    upstream.behave("transcriptions", fault=fault, fault_times=1, headers=headers)
    assert await transcribe(upstream) == "Hello there."
    first, second = upstream.list_requests("transcriptions")
    assert second["received_at"] - first["received_at"] >= 1.0


async def test_every_engine_keeps_it(upstream: Upstream) -> None:
    for endpoint in ("chat", "speech"):
        upstream.behave(endpoint, fault="429_rate", fault_times=1, headers={"Retry-After": "1"})
    async for _ in make_llm(make_spec(upstream)).complete([ChatMessage("user", "Hello")]):
        pass
    async for _ in make_tts(make_spec(upstream)).speak("Hello"):
        pass
    for endpoint in ("chat", "speech"):
        first, second = upstream.list_requests(endpoint)
        assert second["received_at"] - first["received_at"] >= 1.0


async def test_google_says_it_in_details(upstream: Upstream) -> None:
    upstream.behave("google_streaming", fault="429_rate", fault_times=1, headers={"Retry-After": "1"})
    google = make_tts(EngineSpec("google", api_key="AIza", base_url=upstream.google_url, timeout_sec=5.0))
    async for _ in google.speak("Hello"):
        pass
    first, second = upstream.list_requests("google_streaming")
    assert second["received_at"] - first["received_at"] >= 1.0


@pytest.mark.parametrize(("fault", "kind"), [("429_rate", EngineBusy), ("503", EngineUnavailable)])
async def test_a_retry_that_is_too_late_is_not_waited_for(
    upstream: Upstream, fault: str, kind: type[EngineError]
) -> None:
    upstream.behave("transcriptions", fault=fault, headers={"Retry-After": "30"})
    began_at = monotonic()
    with pytest.raises(kind) as caught:
        await transcribe(upstream)
    assert monotonic() - began_at < 1.0
    assert caught.value.retry_after_sec == 30.0
    assert len(upstream.list_requests("transcriptions")) == 1


async def test_who_must_wait_long_reads_how_long(upstream: Upstream) -> None:
    upstream.behave("transcriptions", fault="429_rate", headers={"Retry-After": "30"})
    with pytest.raises(EngineBusy, match=r"Wait 30 seconds, then try again\."):
        await transcribe(upstream)


async def test_the_turn_may_have_less_time_than_the_engine(upstream: Upstream) -> None:
    upstream.behave("transcriptions", fault="429_rate", headers={"Retry-After": "2"})
    began_at = monotonic()
    with set_deadline(monotonic() + 1.0), pytest.raises(EngineBusy):
        await transcribe(upstream)
    assert monotonic() - began_at < 1.0


async def test_a_turn_without_time_asks_nobody(upstream: Upstream) -> None:
    with set_deadline(monotonic() - 1.0), pytest.raises(EngineError, match="no time left"):
        await transcribe(upstream)


async def test_a_passing_limit_is_told_apart_from_used_up_credit(upstream: Upstream) -> None:
    told = {}
    for fault in ("429_rate", "429_quota"):
        upstream.behave("transcriptions", fault=fault)
        with pytest.raises(EngineError) as caught:
            await transcribe(upstream, timeout_sec=0.5)
        told[caught.value.code] = caught.value.message
    assert list(told) == ["rate_limit_exceeded", "insufficient_quota"]
    assert "Wait a moment" in told["rate_limit_exceeded"]
    assert "Top it up" in told["insufficient_quota"]
