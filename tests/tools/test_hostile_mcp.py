"""MCP servers that answer without bounds: the talk goes on, and who set them up reads why."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from conversations.storage.mcp_servers import ServerSpec
from conversations.tools import mcp_verification
from tests.support.tools import MakeConversation, open_toolbox
from tests.upstream.raw_answers import Raw, write_raw

TIMEOUT_SEC = 1.5
DEEP = b"[" * 100_000
JSON = "application/json"


def make_result(value: dict[str, Any]) -> Callable[[int], Raw]:
    return lambda call_id: Raw((json.dumps({"jsonrpc": "2.0", "id": call_id, "result": value}).encode(),), JSON)


def make_raw_result(start: bytes, middle: bytes, end: bytes = b"", **fields: Any) -> Callable[[int], Raw]:
    """Return an answer that has these bytes as the result of the request."""
    return lambda call_id: Raw(
        (b'{"jsonrpc": "2.0", "id": %d, "result": ' % call_id + start, middle, end), JSON, **fields
    )


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


@asynccontextmanager
async def run_hostile_server(
    on_call: Callable[[int], Raw] | None, on_list: Callable[[int], Raw] | None
) -> AsyncIterator[str]:
    """Run a server that greets well, and then answers calls, or lists, as told."""
    tool = {"name": "look", "description": "Looks.", "inputSchema": {"type": "object"}}
    good: dict[str, Callable[[int], Raw]] = {
        "initialize": make_result({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
                              "serverInfo": {"name": "x", "version": "1"}}),
        "tools/list": on_list or make_result({"tools": [tool]}),
        "tools/call": on_call or make_result({"content": [{"type": "text", "text": "Seen."}]}),
    }  # fmt: skip

    async def answer(request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        if "id" not in asked:
            return web.Response(status=202)
        unknown = {"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32601, "message": "Method not found"}}
        make = good.get(asked["method"])
        return await write_raw(request, make(asked["id"])) if make else web.json_response(unknown, status=404)

    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=405)

    app = web.Application()
    app.router.add_post("/mcp", answer)
    app.router.add_get("/mcp", refuse)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/mcp"
    finally:
        await runner.cleanup()


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
