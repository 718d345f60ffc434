"""An MCP server that greets well, and then answers byte by byte as a test wants: late, wrong, without end, or never."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.upstream.raw_answers import Raw, write_raw

JSON = "application/json"


def make_result(value: dict[str, Any]) -> Callable[[int], Raw]:
    return lambda call_id: Raw((json.dumps({"jsonrpc": "2.0", "id": call_id, "result": value}).encode(),), JSON)


def make_raw_result(start: bytes, middle: bytes, end: bytes = b"", **fields: Any) -> Callable[[int], Raw]:
    """Return an answer that has these bytes as the result of the request."""
    return lambda call_id: Raw(
        (b'{"jsonrpc": "2.0", "id": %d, "result": ' % call_id + start, middle, end), JSON, **fields
    )


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
