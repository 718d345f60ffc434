"""Every stream of the corpus, from a socket and cut anywhere."""

import json
from time import monotonic
from typing import Any

import pytest

from conversations.engines.base import ChatMessage, Completion, EngineSpec
from conversations.engines.errors import EngineError, EngineTimeout
from conversations.engines.openai import unopened_thoughts
from conversations.engines.openai.chat_stream import ChatStream, ReportedError
from conversations.engines.openai.llm import ChatCompletions
from tests.support.streams import gather
from tests.upstream.fixtures import Upstream
from tests.upstream.raw_answers import Raw
from tests.upstream.streams import CORPUS, DONE, STOP, Case, pack, pack_chunk, say

ASKED = [ChatMessage("user", "What are two and two?")]
CASES = {case.name: case for case in CORPUS}


def make_engine(upstream: Upstream, **changes: Any) -> ChatCompletions:
    fields: dict[str, Any] = {"model": "gpt-6-luna", "base_url": upstream.openai_url, "timeout_sec": 3.0}
    return ChatCompletions(EngineSpec("openai", **fields | changes))


def join_calls(pieces: list[Completion]) -> tuple[tuple[str, Any], ...]:
    names = {piece.call.index: piece.call.name for piece in pieces if piece.call and piece.call.name}
    arguments = dict.fromkeys(names, "")
    for piece in pieces:
        if piece.call:
            arguments[piece.call.index] += piece.call.arguments
    return tuple((names[index], json.loads(arguments[index])) for index in names)


def join_words(pieces: list[Completion]) -> str:
    text = ""
    for piece in pieces:
        text = piece.text if piece.withdraws else text + piece.text
    return text


@pytest.fixture(autouse=True)
def nothing_known() -> None:
    unopened_thoughts.forget_all()


def check(case: Case, pieces: list[Completion]) -> None:
    assert join_words(pieces) == case.text
    assert join_calls(pieces) == case.calls
    if not case.code:
        last = pieces[-1]
        assert last.finish_reason == case.finish
        assert case.tokens in (None, (last.input_tokens, last.output_tokens, last.cached_tokens))


@pytest.mark.parametrize("name", CASES)
async def test_what_is_made_of_it(upstream: Upstream, name: str) -> None:
    case = CASES[name]
    upstream.script(replies=(case.build_raw().build_script(),) * 3)
    came: list[Completion] = []
    code, began_at = "", monotonic()
    try:
        await gather(make_engine(upstream).complete(ASKED), came)
    except EngineError as error:
        code = error.code
    assert code == case.code
    check(case, came)
    if case.ending == "open":
        assert monotonic() - began_at < 2.5


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize("name", [case.name for case in CORPUS if len(case.body) < 10_000 and not case.code])
def test_it_may_be_cut_anywhere(name: str, size: int) -> None:
    case = CASES[name]
    reader = ChatStream(())
    pieces: list[Completion] = []
    for piece in case.build_raw(size).pieces:
        try:
            pieces += reader.feed(piece)
        except (ValueError, ReportedError):
            assert reader.has_ended
    pieces += reader.finish()
    check(case, pieces)


async def test_thoughts_are_progress(upstream: Upstream) -> None:
    """Longer than the engine is waited for in silence."""
    thought = pack_chunk({"reasoning_content": "Hm. "})
    upstream.script(replies=(Raw((thought,) * 12 + (say("Four."), STOP, DONE), pause_ms=50).build_script(),))
    pieces = [piece async for piece in make_engine(upstream, timeout_sec=0.3).complete(ASKED)]
    assert [piece.text for piece in pieces] == ["Four.", ""]


async def test_comments_are_no_progress(upstream: Upstream) -> None:
    upstream.script(replies=(Raw((b": ping\n\n",) * 40, pause_ms=50).build_script(),))
    with pytest.raises(EngineTimeout):
        await gather(make_engine(upstream, timeout_sec=0.3).complete(ASKED), [])


async def test_the_tokens_may_come_a_while_after_the_end(upstream: Upstream) -> None:
    usage = pack({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3}})
    upstream.script(replies=(Raw((say("Four.") + STOP, usage), pause_ms=400, ending="open").build_script(),))
    pieces = [piece async for piece in make_engine(upstream).complete(ASKED)]
    assert (pieces[-1].input_tokens, pieces[-1].output_tokens) == (9, 3)


async def test_a_cut_amid_the_thoughts_is_tried_again(upstream: Upstream) -> None:
    """Nothing was said yet."""
    upstream.script(replies=(Raw((pack_chunk({"reasoning": "Hm."}),), ending="cut").build_script(), "Four."))
    pieces = [piece async for piece in make_engine(upstream).complete(ASKED)]
    assert pieces[0].text == "Four."


async def test_a_stream_without_an_end_is_cut(upstream: Upstream) -> None:
    thought = pack_chunk({"reasoning": "x" * 500_000})
    upstream.script(replies=(Raw((thought,) * 40).build_script(),))
    with pytest.raises(EngineError, match="not what was asked for"):
        await gather(make_engine(upstream).complete(ASKED), [])


# A server whose prompt has opened the thought.

UNOPENED = Raw((say("Be polite. "), say("Then answer.\n</think>\n\n"), say("Four."), STOP, DONE), pause_ms=20)
PLAIN = Raw((say("Four"), say(" it is."), STOP, DONE))


async def collect_replies(upstream: Upstream, *raw: Raw, **changes: Any) -> list[list[str]]:
    upstream.script(replies=tuple(one.build_script() for one in raw))
    llm = make_engine(upstream, **changes)
    return [[piece.text async for piece in llm.complete(ASKED) if piece.text] for _ in raw]


async def test_a_thought_that_only_closes_is_withdrawn_once_and_held_back_from_then_on(upstream: Upstream) -> None:
    assert await collect_replies(upstream, UNOPENED, UNOPENED) == [["Be polite. ", "Four."], ["Four."]]
    assert await collect_replies(upstream, UNOPENED, model="another") == [["Be polite. ", "Four."]]


async def test_text_that_turns_out_to_be_a_thought_is_withdrawn(upstream: Upstream) -> None:
    upstream.script(replies=(UNOPENED.build_script(),))
    pieces = [piece async for piece in make_engine(upstream).complete(ASKED)]
    assert [(piece.text, piece.withdraws) for piece in pieces[:3]] == [
        ("Be polite. ", False),
        ("", True),
        ("Four.", False),
    ]


async def test_text_that_is_held_back_is_reported_as_a_thought(upstream: Upstream) -> None:
    upstream.script(replies=(UNOPENED.build_script(), UNOPENED.build_script()))
    seen: list[str] = []
    for _ in range(2):
        await gather(make_engine(upstream).complete(ASKED, on_thought=lambda: seen.append("thought")), [])
    assert seen == ["thought"]


async def test_held_back_text_without_the_tag_is_the_answer_and_soon_not_held_back(upstream: Upstream) -> None:
    held = ["Four it is."]
    assert (await collect_replies(upstream, UNOPENED, PLAIN, PLAIN, PLAIN, PLAIN))[1:] == [
        held,
        held,
        held,
        ["Four", " it is."],
    ]


async def test_a_thought_that_is_cut_is_no_answer(upstream: Upstream) -> None:
    cut = Raw((say("Be polite."), pack_chunk({}, "length"), DONE))
    assert (await collect_replies(upstream, UNOPENED, cut))[1] == []


async def test_thoughts_of_any_length_take_bounded_memory(upstream: Upstream) -> None:
    long = Raw((say("Hm. " * 10_000), say("</think>Four."), STOP, DONE))
    assert (await collect_replies(upstream, UNOPENED, long))[1] == ["Four."]


def test_few_servers_are_known() -> None:
    for number in range(unopened_thoughts.MAX_KNOWN + 10):
        unopened_thoughts.record_reply("http://localhost", str(number), closes_alone=True)
    assert not unopened_thoughts.has_unopened_thoughts("http://localhost", "9")
    assert unopened_thoughts.has_unopened_thoughts("http://localhost", "10")
