"""MCP servers that answer without bounds: the talk goes on, and who set them up reads why."""

import asyncio
import gzip
from collections.abc import Callable

import pytest

from conversations.storage.mcp_servers import ServerSpec
from conversations.tools import mcp_verification
from tests.support.hostile_mcp import JSON, make_raw_result, make_result, run_hostile_server
from tests.support.tools import MakeConversation, open_toolbox
from tests.upstream.raw_answers import Raw

TIMEOUT_SEC = 1.5
DEEP = b"[" * 100_000


ANSWERS: dict[str, Callable[[int], Raw]] = {
    "deep": make_raw_result(b"", DEEP),
    "long": make_raw_result(b'{"content": [{"type": "text", "text": "', b"x" * 6_000_000, b'"}]}}'),
    "a gzip bomb": lambda _: Raw((gzip.compress(bytes(100_000_000)),), JSON, headers={"Content-Encoding": "gzip"}),
    "events without an end": lambda _: Raw((b": ping\n\n" * 1_000,) * 1_000),
    "a line without an end": lambda _: Raw((b"data: " + b"x" * 10_000,) * 1_000),
    "dripping": lambda _: Raw((b" ",) * 1_000, JSON, pause_ms=50),
    "no JSON": lambda _: Raw((b"{not json",), JSON),
    "a page": lambda _: Raw((b"<html>It works!</html>",), "text/html"),
    "an error without an end": lambda _: Raw((b"x" * 100_000,) * 100, JSON, status=500),
    "another shape": make_result({"content": [{"type": "hologram"}]}),
    "another server": lambda _: Raw((b'{"hello": "world"}',), JSON),
}


def make_spec(url: str) -> ServerSpec:
    return ServerSpec("house", url, timeout_sec=TIMEOUT_SEC)


async def test_it_works(make_opened: MakeConversation) -> None:
    async with (
        run_hostile_server(None, None) as url,
        open_toolbox(make_opened(tools=(), mcp_servers=(make_spec(url),))) as box,
    ):
        await box.settle()
        assert (await box.run("look", "{}")).output == "Seen."


@pytest.mark.parametrize("answer", ANSWERS)
async def test_a_hostile_answer_to_a_call_is_an_error(make_opened: MakeConversation, answer: str) -> None:
    async with (
        run_hostile_server(ANSWERS[answer], None) as url,
        open_toolbox(make_opened(tools=(), mcp_servers=(make_spec(url),))) as box,
    ):
        await box.settle()
        async with asyncio.timeout(TIMEOUT_SEC + 1.5):
            outcome = await box.run("look", "{}")
        assert outcome.error
        assert len(outcome.error) < 1_000


@pytest.mark.parametrize("answer", ANSWERS)
async def test_a_hostile_answer_to_a_list_leaves_no_tools(
    make_opened: MakeConversation, answer: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        run_hostile_server(None, ANSWERS[answer]) as url,
        open_toolbox(make_opened(tools=(), mcp_servers=(make_spec(url),))) as box,
    ):
        async with asyncio.timeout(TIMEOUT_SEC + 1.5):
            await box.settle()
        assert box.tools == ()
        works, verdict = await mcp_verification.try_connection(make_spec(url))
    assert not works
    assert verdict.startswith("house ")
    assert "Traceback" not in caplog.text
