import pytest

from conversations.engines.base import EngineSpec, Hints, Transcript
from conversations.engines.errors import (
    EngineAuthError,
    EngineError,
    EngineMalformed,
    EngineTimeout,
    EngineUnavailable,
)
from conversations.engines.openai import account
from conversations.engines.registry import make_stt
from tests.support.stt_faults import HTTP_FAULTS
from tests.upstream.fixtures import Upstream

SECRET = "sk-secret-of-the-test"
SECOND = bytes(48_000)


def make_spec(upstream: Upstream, **changes: object) -> EngineSpec:
    fields = {"provider": "openai", "model": "gpt-transcribe", "api_key": SECRET, "base_url": upstream.openai_url}
    return EngineSpec(**{**fields, **changes})  # type: ignore[arg-type]


async def test_it_works(upstream: Upstream) -> None:
    upstream.script(transcripts=("  What is the time? ",))
    heard = await make_stt(make_spec(upstream)).transcribe(SECOND, Hints(language="en-US", prompt="Kiel, Bodensee"))
    assert heard == Transcript(text="What is the time?", seconds=1.0)
    [request] = upstream.list_requests("transcriptions")
    assert request["key"] == SECRET
    assert request["asked"] == {
        "model": "gpt-transcribe",
        "language": "en",
        "prompt": "Kiel, Bodensee",
        "response_format": "json",
        "seconds": 1.0,
        "rate": 24_000,
        "channels": 1,
    }


async def test_keywords_stand_in_the_prompt_of_a_compatible_server(upstream: Upstream) -> None:
    await make_stt(make_spec(upstream)).transcribe(SECOND, Hints(prompt="On boats", keywords=("Kiel", "Förde")))
    asked = upstream.list_requests("transcriptions")[0]["asked"]
    assert asked["prompt"] == "On boats. Kiel, Förde"
    assert "keywords[]" not in asked


async def test_keywords_stand_by_themselves_at_openai(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "OPENAI_URL", upstream.openai_url)
    hints = Hints(prompt="On boats", keywords=("Kiel", "Förde"))
    await make_stt(make_spec(upstream)).transcribe(SECOND, hints)
    await make_stt(make_spec(upstream, model="whisper-1")).transcribe(SECOND, hints)
    own, whisper = (request["asked"] for request in upstream.list_requests("transcriptions"))
    assert (own["prompt"], own["keywords[]"]) == ("On boats", ["Kiel", "Förde"])
    assert whisper["prompt"] == "On boats. Kiel, Förde"


async def test_an_older_model_that_refuses_keywords(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "OPENAI_URL", upstream.openai_url)
    upstream.behave("transcriptions", refused_parameter="keywords")
    stt = make_stt(make_spec(upstream))
    for _ in range(2):
        assert (await stt.transcribe(SECOND, Hints(keywords=("Kiel",)))).text == "Hello there."
    assert [request["asked"].get("prompt") for request in upstream.list_requests("transcriptions")] == [
        None,
        "Kiel",
        "Kiel",
    ]


@pytest.mark.parametrize("metered", [-1, 10**12, "seven", [], {}])
async def test_what_cannot_be_stored_is_left_out(upstream: Upstream, metered: object) -> None:
    upstream.script(transcripts=("What\0 is the \ud800time?",))
    upstream.behave("transcriptions", metered=metered)
    assert await make_stt(make_spec(upstream)).transcribe(SECOND) == Transcript(text="What is the time?", seconds=1.0)


async def test_a_click_is_no_speech_and_costs_nothing(upstream: Upstream) -> None:
    assert (await make_stt(make_spec(upstream)).transcribe(bytes(960))).text == ""
    assert upstream.list_requests("transcriptions") == []


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        *HTTP_FAULTS,
        ("cut", EngineUnavailable, "broke off"),
        ("garbage", EngineMalformed, "not a transcript"),
    ],
)
async def test_a_fault_becomes_a_sentence(upstream: Upstream, fault: str, error: type[EngineError], words: str) -> None:
    upstream.behave("transcriptions", fault=fault)
    with pytest.raises(error) as caught:
        await make_stt(make_spec(upstream)).transcribe(SECOND)
    assert type(caught.value) is error
    assert caught.value.message.startswith("Speech to text (OpenAI-compatible server) ")
    assert words in caught.value.message
    assert SECRET not in caught.value.message


async def test_a_failure_that_passes_is_tried_again(upstream: Upstream) -> None:
    upstream.behave("transcriptions", fault="500", fault_times=2)
    assert (await make_stt(make_spec(upstream)).transcribe(SECOND)).text == "Hello there."
    assert len(upstream.list_requests("transcriptions")) == 3


@pytest.mark.parametrize("fault", ["401", "404", "429_quota", "garbage"])
async def test_a_failure_that_stays_is_not(upstream: Upstream, fault: str) -> None:
    upstream.behave("transcriptions", fault=fault)
    with pytest.raises(EngineError):
        await make_stt(make_spec(upstream)).transcribe(SECOND)
    assert len(upstream.list_requests("transcriptions")) == 1


async def test_a_server_that_never_answers(upstream: Upstream) -> None:
    upstream.behave("transcriptions", fault="hang")
    with pytest.raises(EngineTimeout, match=r"sent nothing for 0\.2 seconds"):
        await make_stt(make_spec(upstream, timeout_sec=0.2)).transcribe(SECOND)
    assert len(upstream.list_requests("transcriptions")) == 1


async def test_a_server_that_is_not_there(upstream: Upstream) -> None:
    with pytest.raises(EngineUnavailable, match="could not be reached"):
        await make_stt(make_spec(upstream, base_url="http://127.0.0.1:9/v1")).transcribe(SECOND)


@pytest.mark.parametrize("key", ["sk-né", "sk-two\nlines"])
async def test_a_key_that_no_header_can_carry(upstream: Upstream, key: str) -> None:
    with pytest.raises(EngineAuthError) as caught:
        await make_stt(make_spec(upstream, api_key=key)).transcribe(SECOND)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("url", ["http://[", "localhost:9/v1", "ftp://localhost/v1"])
async def test_a_base_url_that_is_none(upstream: Upstream, url: str) -> None:
    with pytest.raises(EngineError, match="base URL"):
        await make_stt(make_spec(upstream, base_url=url)).transcribe(SECOND)


async def test_a_users_base_url_leads_to_no_private_address(upstream: Upstream) -> None:
    with pytest.raises(EngineUnavailable, match="could not be reached"):
        await make_stt(make_spec(upstream, public_only=True)).transcribe(SECOND)
    assert upstream.list_requests("transcriptions") == []
