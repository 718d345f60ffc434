import asyncio
from contextlib import aclosing

import pytest

from conversations.engines import retries
from conversations.engines.base import ChatMessage, Completion, EngineSpec
from conversations.engines.errors import (
    EngineAuthError,
    EngineBusy,
    EngineError,
    EngineMalformed,
    EngineQuotaError,
    EngineRejected,
    EngineTimeout,
    EngineUnavailable,
)
from conversations.engines.openai import account
from conversations.engines.openai.llm import ChatCompletions
from tests.support.patience import stretch
from tests.support.streams import gather
from tests.upstream.fixtures import Upstream

SECRET = "sk-secret-of-the-test"
ASKED = [ChatMessage("system", "Be brief."), ChatMessage("user", "Tell me a story")]


def make_engine(upstream: Upstream, **changes: object) -> ChatCompletions:
    fields = {"provider": "openai", "model": "gpt-6-luna", "api_key": SECRET, "base_url": upstream.openai_url}
    return ChatCompletions(EngineSpec(**{**fields, **changes}))  # type: ignore[arg-type]


async def collect(llm: ChatCompletions, max_tokens: int | None = None) -> list[Completion]:
    return [piece async for piece in llm.complete(ASKED, max_tokens=max_tokens)]


async def test_it_works(upstream: Upstream) -> None:
    upstream.script(replies=("Once upon a time.",))
    pieces = await collect(make_engine(upstream))
    assert [piece.text for piece in pieces] == ["Once", " upon", " a", " time.", ""]
    assert pieces[-1] == Completion(finish_reason="stop", input_tokens=6, output_tokens=4, cached_tokens=3)
    [request] = upstream.list_requests("chat")
    assert request["key"] == SECRET
    assert request["asked"] == {
        "model": "gpt-6-luna",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Tell me a story"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_a_reply_that_is_cut_short_says_so(upstream: Upstream) -> None:
    pieces = await collect(make_engine(upstream), max_tokens=2)
    assert pieces[-1].finish_reason == "length"
    assert upstream.list_requests("chat")[0]["asked"]["max_tokens"] == 2


async def test_pieces_come_as_they_are_written(upstream: Upstream) -> None:
    upstream.script(replies=("one two",))
    upstream.behave("chat", fault="hang", fault_after=1)
    async with aclosing(make_engine(upstream).complete(ASKED)) as stream:
        assert (await anext(stream)).text == "one"


async def test_closing_the_generator_closes_the_stream_upstream(upstream: Upstream) -> None:
    upstream.behave("chat", fault="hang", fault_after=2)
    stream = make_engine(upstream).complete(ASKED)
    await anext(stream)
    await stream.aclose()
    [request] = await asyncio.to_thread(upstream.wait_for, "chat", "ended")
    assert request["ending"] == "closed_by_peer"


async def test_cancelling_closes_the_stream_upstream_before_its_first_byte(upstream: Upstream) -> None:
    upstream.behave("chat", fault="hang")
    task = asyncio.create_task(collect(make_engine(upstream)))
    await asyncio.to_thread(upstream.wait_for, "chat", "received")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(upstream.wait_for, "chat", "closed_by_peer")


async def test_the_connection_is_kept_for_the_next_turn(upstream: Upstream) -> None:
    await collect(make_engine(upstream))
    await collect(make_engine(upstream))
    first, second = (request["peer"] for request in upstream.list_requests("chat"))
    assert first == second != ""


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("401", EngineAuthError, "refused the key. Change it under Settings"),
        ("404", EngineRejected, "It said: “The model does not exist.”"),
        ("404_path", EngineRejected, "most end in /v1"),
        ("429_rate", EngineBusy, "too many requests"),
        ("429_quota", EngineQuotaError, "no credit left"),
        ("503", EngineUnavailable, "a problem on its side (error 503)"),
        ("cut", EngineUnavailable, "broke off"),
        ("garbage", EngineMalformed, "not a reply"),
        ("empty", EngineMalformed, "not a reply"),
        ("error_event", EngineUnavailable, "a problem on its side (server_error)"),
    ],
)
async def test_a_fault_becomes_a_sentence(upstream: Upstream, fault: str, error: type[EngineError], words: str) -> None:
    upstream.behave("chat", fault=fault)
    with pytest.raises(error) as caught:
        await collect(make_engine(upstream))
    assert type(caught.value) is error
    assert caught.value.message.startswith("The language model (OpenAI-compatible server) ")
    assert words in caught.value.message
    assert SECRET not in caught.value.message


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("cut", EngineUnavailable, "broke off"),
        ("empty", EngineUnavailable, "broke off"),
        ("garbage", EngineRejected, "not what was asked for"),
        ("error_event", EngineUnavailable, "a problem on its side"),
        ("hang", EngineTimeout, "sent nothing for"),
    ],
)
async def test_a_fault_amid_the_stream_keeps_what_came_and_is_not_tried_again(
    upstream: Upstream, fault: str, error: type[EngineError], words: str
) -> None:
    upstream.behave("chat", fault=fault, fault_after=2)
    came: list[Completion] = []
    with pytest.raises(error) as caught:
        await gather(make_engine(upstream, timeout_sec=stretch(0.5)).complete(ASKED), came)
    assert [piece.text for piece in came] == ["You", " said:"]
    assert words in caught.value.message
    assert len(upstream.list_requests("chat")) == 1


async def test_a_cut_before_the_first_byte_is_tried_again(upstream: Upstream) -> None:
    upstream.behave("chat", fault="cut", fault_times=1)
    assert (await collect(make_engine(upstream)))[-1].finish_reason == "stop"
    assert len(upstream.list_requests("chat")) == 2


async def test_there_is_no_further_try_that_could_not_end_in_time(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "PAUSES_SEC", (0.2,))
    upstream.behave("chat", fault="503")
    with pytest.raises(EngineUnavailable):
        await collect(make_engine(upstream, timeout_sec=0.15))
    assert len(upstream.list_requests("chat")) == 1


async def test_an_effort_that_the_model_refuses_is_left_out(upstream: Upstream) -> None:
    upstream.behave("chat", refused_parameter="reasoning_effort")
    llm = make_engine(upstream, reasoning_effort="none")
    assert (await collect(llm))[-1].finish_reason == "stop"
    assert (await collect(llm))[-1].finish_reason == "stop"
    asked = ["reasoning_effort" in request["asked"] for request in upstream.list_requests("chat")]
    assert asked == [True, False, False]


async def test_words_that_cannot_be_stored_are_left_out(upstream: Upstream) -> None:
    upstream.script(replies=("Well\0 then \ud800there.",))
    assert "".join(piece.text for piece in await collect(make_engine(upstream))) == "Well then there."


@pytest.mark.parametrize("metered", [-1, 2**31, 10**12, 1.5, "seven", [], {}, {"cached_tokens": "seven"}, True])
async def test_a_usage_that_is_impossible_is_ignored(upstream: Upstream, metered: object) -> None:
    upstream.behave("chat", metered=metered)
    last = (await collect(make_engine(upstream)))[-1]
    assert last == Completion(finish_reason="stop")


async def test_openai_itself_is_asked_not_to_think_and_by_its_own_names(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "OPENAI_URL", upstream.openai_url)
    await collect(make_engine(upstream, base_url=""), max_tokens=50)
    asked = upstream.list_requests("chat")[0]["asked"]
    assert asked["reasoning_effort"] == "none"
    assert asked["max_completion_tokens"] == 50
    assert "max_tokens" not in asked


def test_the_key_is_not_in_what_is_logged(upstream: Upstream) -> None:
    assert SECRET not in repr(EngineSpec(provider="openai", api_key=SECRET))
