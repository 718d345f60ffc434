import json
import logging
from typing import Any

import pytest

from conversations.engines.base import CallPiece, ChatMessage, Completion, EngineSpec, Tool, ToolCall
from conversations.engines.errors import EngineRejected, EngineUnavailable
from conversations.engines.openai import account
from conversations.engines.openai.llm import ChatCompletions
from tests.support.streams import gather
from tests.upstream.fixtures import Upstream

WEATHER = Tool("weather", "What the weather is.", {"type": "object", "properties": {"city": {"type": "string"}}})
CLOCK = Tool("clock", "", {})
ASKED = [ChatMessage("user", "How is the weather in Vienna?")]
VIENNA = {"city": "Vienna"}


def make_engine(upstream: Upstream, **changes: object) -> ChatCompletions:
    fields = {"provider": "openai", "model": "gpt-6-luna", "base_url": upstream.openai_url}
    return ChatCompletions(EngineSpec(**{**fields, **changes}))  # type: ignore[arg-type]


async def collect(
    llm: ChatCompletions, messages: list[ChatMessage] = ASKED, tool_choice: str = "auto"
) -> list[Completion]:
    return [piece async for piece in llm.complete(messages, tools=[WEATHER, CLOCK], tool_choice=tool_choice)]


def join_calls(pieces: list[Completion]) -> list[ToolCall]:
    """Return the calls that the pieces add up to, by the rules of CallPiece."""
    found: list[ToolCall] = []
    for piece in (piece.call for piece in pieces if piece.call):
        if piece.index == len(found):
            assert piece.name
            assert 0 < len(piece.call_id) <= 32
            found.append(ToolCall(piece.call_id, piece.name, piece.arguments))
        else:
            assert (piece.call_id, piece.name) == ("", "")
            told = found[piece.index]
            found[piece.index] = ToolCall(told.call_id, told.name, told.arguments + piece.arguments)
    return found


async def test_it_works(upstream: Upstream) -> None:
    upstream.script(replies=({"text": "One moment.", "calls": [{"name": "weather", "arguments": VIENNA}]},))
    pieces = await collect(make_engine(upstream))
    assert [piece.text for piece in pieces if piece.text] == ["One", " moment."]
    assert [piece.call for piece in pieces if piece.call] == [
        CallPiece(0, "call_weather_0", "weather"),
        CallPiece(0, arguments='{"city": "Vi'),
        CallPiece(0, arguments='enna"}'),
    ]
    assert pieces[-1].finish_reason == "stop"
    [request] = upstream.list_requests("chat")
    assert request["asked"]["tools"] == [
        {
            "type": "function",
            "function": {"name": "weather", "description": WEATHER.description, "parameters": WEATHER.parameters},
        },
        {
            "type": "function",
            "function": {"name": "clock", "description": "", "parameters": {"type": "object", "properties": {}}},
        },
    ]
    assert "tool_choice" not in request["asked"]


async def test_several_calls_keep_apart(upstream: Upstream) -> None:
    both = [{"name": "weather", "arguments": VIENNA}, {"name": "weather", "arguments": {"city": "Graz"}}]
    upstream.script(replies=({"calls": both},))
    assert join_calls(await collect(make_engine(upstream))) == [
        ToolCall("call_weather_0", "weather", '{"city": "Vienna"}'),
        ToolCall("call_weather_1", "weather", '{"city": "Graz"}'),
    ]


async def test_the_model_reads_what_the_tool_said(upstream: Upstream) -> None:
    called = ChatMessage("assistant", "", calls=(ToolCall("call_1", "weather", json.dumps(VIENNA)),))
    pieces = await collect(make_engine(upstream), [*ASKED, called, ChatMessage("tool", "Sunny.", call_id="call_1")])
    assert "".join(piece.text for piece in pieces) == "The tool said: Sunny."
    [request] = upstream.list_requests("chat")
    function = {"name": "weather", "arguments": '{"city": "Vienna"}'}
    assert request["asked"]["messages"][1:] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "Sunny."},
    ]


@pytest.mark.parametrize(
    ("choice", "sent"),
    [("required", "required"), ("clock", {"type": "function", "function": {"name": "clock"}})],
)
async def test_a_choice_is_passed_on(upstream: Upstream, choice: str, sent: object) -> None:
    await collect(make_engine(upstream), tool_choice=choice)
    assert upstream.list_requests("chat")[0]["asked"]["tool_choice"] == sent


async def test_a_server_that_may_not_know_the_choice_none_is_not_shown_the_tools(upstream: Upstream) -> None:
    await collect(make_engine(upstream), tool_choice="none")
    assert not {"tools", "tool_choice"} & set(upstream.list_requests("chat")[0]["asked"])


async def test_openai_itself_is_shown_them_so_that_its_cache_holds(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "OPENAI_URL", upstream.openai_url)
    await collect(make_engine(upstream, base_url=""), tool_choice="none")
    asked = upstream.list_requests("chat")[0]["asked"]
    assert (len(asked["tools"]), asked["tool_choice"]) == (2, "none")


def make_delta(**fields: Any) -> dict[str, Any]:
    return {"tool_calls": [fields]}


def make_function(name: str | None = None, arguments: object = None) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


@pytest.mark.parametrize(
    "deltas",
    [
        pytest.param(
            [make_delta(index=0, function=make_function("weather", '{"city": "Vienna"}'))], id="whole, without an id"
        ),
        pytest.param([make_delta(function=make_function("weather", '{"city": "Vienna"}'))], id="without an index"),
        pytest.param([make_delta(index=0, id="a", function=make_function("weather", VIENNA))], id="an object"),
        pytest.param(
            [
                make_delta(index=0, id="a", function=make_function("weather", '{"city": ')),
                make_delta(index=0, id="a", function=make_function("weather", '"Vienna"}')),
            ],
            id="id and name in every delta",
        ),
        pytest.param(
            [
                make_delta(id="a", function=make_function("weather")),
                make_delta(function=make_function(None, '{"city": ')),
                make_delta(function=make_function("", '"Vienna"}')),
            ],
            id="streamed without an index",
        ),
        pytest.param(
            [
                make_delta(index=0, id="a", function=make_function(None, '{"city": ')),
                make_delta(index=0, function=make_function("weather", '"Vienna"}')),
            ],
            id="the name comes late",
        ),
        pytest.param(
            [
                make_delta(
                    index=0, id="chatcmpl-tool-" + "0" * 32, function=make_function("weather", '{"city": "Vienna"}')
                )
            ],
            id="an id that is too long",
        ),
        pytest.param(
            [
                {"tool_calls": "none"},
                {"tool_calls": [7, None]},
                make_delta(index=0, function=make_function("weather", VIENNA)),
            ],
            id="with what is no call",
        ),
    ],
)
async def test_calls_of_other_servers_are_understood(upstream: Upstream, deltas: list[dict[str, Any]]) -> None:
    upstream.script(replies=({"deltas": deltas},))
    [call] = join_calls(await collect(make_engine(upstream)))
    assert (call.name, json.loads(call.arguments)) == ("weather", VIENNA)


@pytest.mark.parametrize("index", [{"index": 0}, {}])
async def test_calls_with_one_index_for_all_keep_apart_by_their_ids(upstream: Upstream, index: dict[str, int]) -> None:
    deltas = [
        make_delta(**index, id="a", function=make_function("weather", '{"city": ')),
        make_delta(**index, function=make_function(None, '"Vienna"}')),
        make_delta(**index, id="b", function=make_function("clock")),
    ]
    upstream.script(replies=({"deltas": deltas},))
    assert join_calls(await collect(make_engine(upstream))) == [
        ToolCall("a", "weather", '{"city": "Vienna"}'),
        ToolCall("b", "clock", "{}"),
    ]


async def test_calls_without_index_and_id_keep_apart_by_their_names(upstream: Upstream) -> None:
    deltas = [
        make_delta(function=make_function("weather", VIENNA)),
        make_delta(function=make_function("weather", {"city": "Graz"})),
    ]
    upstream.script(replies=({"deltas": deltas},))
    vienna, graz = join_calls(await collect(make_engine(upstream)))
    assert [json.loads(call.arguments)["city"] for call in (vienna, graz)] == ["Vienna", "Graz"]
    assert vienna.call_id != graz.call_id


@pytest.mark.parametrize("arguments", [None, ""])
async def test_arguments_are_json_where_there_are_none(upstream: Upstream, arguments: str | None) -> None:
    upstream.script(replies=({"deltas": [make_delta(index=0, id="a", function=make_function("clock", arguments))]},))
    assert join_calls(await collect(make_engine(upstream))) == [ToolCall("a", "clock", "{}")]


async def test_a_call_that_is_cut_before_its_arguments_has_none(upstream: Upstream) -> None:
    upstream.script(replies=({"calls": [{"name": "weather", "arguments": VIENNA}]},))
    pieces = [piece async for piece in make_engine(upstream).complete(ASKED, tools=[WEATHER], max_tokens=1)]
    assert join_calls(pieces) == [ToolCall("call_weather_0", "weather", "")]
    assert pieces[-1].finish_reason == "length"


async def test_an_id_that_was_used_before_is_replaced(upstream: Upstream) -> None:
    told = [
        *ASKED,
        ChatMessage("assistant", "", calls=(ToolCall("weather", "weather", "{}"),)),
        ChatMessage("tool", "Sunny.", call_id="weather"),
    ]
    upstream.script(replies=({"deltas": [make_delta(index=0, id="weather", function=make_function("weather", "{}"))]},))
    [call] = join_calls(await collect(make_engine(upstream), told))
    assert call.call_id != "weather"


async def test_a_call_that_is_cut_keeps_what_came(upstream: Upstream) -> None:
    upstream.script(replies=({"calls": [{"name": "weather", "arguments": VIENNA}]},))
    upstream.behave("chat", fault="cut", fault_after=2)
    came: list[Completion] = []
    with pytest.raises(EngineUnavailable, match="broke off"):
        await gather(make_engine(upstream).complete(ASKED, tools=[WEATHER]), came)
    assert join_calls(came) == [ToolCall("call_weather_0", "weather", '{"city": "Vi')]


async def test_a_call_without_a_name_is_an_error(upstream: Upstream) -> None:
    upstream.script(replies=({"deltas": [make_delta(index=0, id="a", function=make_function(None, "{}"))]},))
    with pytest.raises(EngineRejected, match="not a call of a tool by its name"):
        await collect(make_engine(upstream))


async def test_a_server_that_refuses_tools_goes_on_without_them(
    upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.behave("chat", refused_parameter="tools")
    llm = make_engine(upstream)
    with caplog.at_level(logging.WARNING):
        assert (await collect(llm))[-1].finish_reason == "stop"
        assert (await collect(llm, tool_choice="none"))[-1].finish_reason == "stop"
        assert (await collect(llm))[-1].finish_reason == "stop"
    asked = ["tools" in request["asked"] for request in upstream.list_requests("chat")]
    assert asked == [True, False, False, False]
    assert [record.message for record in caplog.records] == [
        "openai:gpt-6-luna: OpenAI-compatible server refuses tools, and goes on without them"
    ]


async def test_a_server_that_refuses_tools_cannot_be_made_to_call_one(upstream: Upstream) -> None:
    upstream.behave("chat", refused_parameter="tools")
    llm = make_engine(upstream)
    await collect(llm)
    with pytest.raises(EngineRejected, match="cannot call tools, but this response has to"):
        await collect(llm, tool_choice="required")


@pytest.mark.parametrize(
    ("said", "is_refusal"),
    [
        ("registry.ollama.ai/library/gemma3:4b does not support tools", True),
        ('"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set', True),
        ("tools param requires --jinja flag", True),
        ("Missing required parameter: 'tools[0].function.name'.", False),
        ("Invalid schema for function 'weather': 'str' is not valid under any of the given schemas.", False),
    ],
)
async def test_what_servers_say_when_they_refuse_tools(upstream: Upstream, said: str, is_refusal: bool) -> None:
    upstream.behave("chat", refused_parameter="tools", refusal=said)
    if is_refusal:
        assert (await collect(make_engine(upstream)))[-1].finish_reason == "stop"
    else:
        with pytest.raises(EngineRejected):
            await collect(make_engine(upstream))
