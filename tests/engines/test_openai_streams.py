"""Every stream of the corpus, from a socket and cut anywhere."""

import json
from time import monotonic
from typing import Any

import pytest

from conversations.engines.base import Completion, EngineError, EngineSpec, EngineTimeout, Message
from conversations.engines.openai.chat_stream import ChatStream, ReportedError
from conversations.engines.openai.llm import ChatCompletions
from tests.engines.streams import gather
from tests.upstream.fixtures import Upstream
from tests.upstream.raw_answers import Raw
from tests.upstream.streams import CORPUS, DONE, STOP, Case, chunk, data, said

ASKED = [Message("user", "What are two and two?")]
CASES = {case.name: case for case in CORPUS}


def engine(upstream: Upstream, **changes: Any) -> ChatCompletions:
    fields: dict[str, Any] = {"model": "gpt-6-luna", "base_url": upstream.openai_url, "timeout_sec": 3.0}
    return ChatCompletions(EngineSpec("openai", **fields | changes))


def calls_in(pieces: list[Completion]) -> tuple[tuple[str, Any], ...]:
    names = {piece.call.index: piece.call.name for piece in pieces if piece.call and piece.call.name}
    arguments = dict.fromkeys(names, "")
    for piece in pieces:
        if piece.call:
            arguments[piece.call.index] += piece.call.arguments
    return tuple((names[index], json.loads(arguments[index])) for index in names)


def check(case: Case, pieces: list[Completion]) -> None:
    assert "".join(piece.text for piece in pieces) == case.text
    assert calls_in(pieces) == case.calls
    if not case.code:
        last = pieces[-1]
        assert last.finish_reason == case.finish
        assert case.tokens in (None, (last.input_tokens, last.output_tokens, last.cached_tokens))


@pytest.mark.parametrize("name", CASES)
async def test_what_is_made_of_it(upstream: Upstream, name: str) -> None:
    case = CASES[name]
    upstream.script(replies=(case.raw().script(),) * 3)
    came: list[Completion] = []
    code, began_at = "", monotonic()
    try:
        await gather(engine(upstream).complete(ASKED), came)
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
    for piece in case.raw(size).pieces:
        try:
            pieces += reader.feed(piece)
        except (ValueError, ReportedError):
            assert reader.has_ended
    pieces += reader.finish()
    check(case, pieces)


async def test_thoughts_are_progress(upstream: Upstream) -> None:
    """Longer than the engine is waited for in silence."""
    thought = chunk({"reasoning_content": "Hm. "})
    upstream.script(replies=(Raw((thought,) * 12 + (said("Four."), STOP, DONE), pause_ms=50).script(),))
    pieces = [piece async for piece in engine(upstream, timeout_sec=0.3).complete(ASKED)]
    assert [piece.text for piece in pieces] == ["Four.", ""]


async def test_comments_are_none(upstream: Upstream) -> None:
    upstream.script(replies=(Raw((b": ping\n\n",) * 40, pause_ms=50).script(),))
    with pytest.raises(EngineTimeout):
        await gather(engine(upstream, timeout_sec=0.3).complete(ASKED), [])


async def test_the_tokens_may_come_a_while_after_the_end(upstream: Upstream) -> None:
    usage = data({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3}})
    upstream.script(replies=(Raw((said("Four.") + STOP, usage), pause_ms=400, ending="open").script(),))
    pieces = [piece async for piece in engine(upstream).complete(ASKED)]
    assert (pieces[-1].input_tokens, pieces[-1].output_tokens) == (9, 3)


async def test_a_cut_amid_the_thoughts_is_tried_again(upstream: Upstream) -> None:
    """Nothing was said yet."""
    upstream.script(replies=(Raw((chunk({"reasoning": "Hm."}),), ending="cut").script(), "Four."))
    pieces = [piece async for piece in engine(upstream).complete(ASKED)]
    assert pieces[0].text == "Four."


async def test_a_stream_without_an_end_is_cut(upstream: Upstream) -> None:
    thought = chunk({"reasoning": "x" * 500_000})
    upstream.script(replies=(Raw((thought,) * 40).script(),))
    with pytest.raises(EngineError, match="not what was asked for"):
        await gather(engine(upstream).complete(ASKED), [])
