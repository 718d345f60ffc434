"""Steering over HTTP: how another process sets behaviour and reads what was asked."""

import asyncio
from dataclasses import asdict

from aiohttp import web

from tests.upstream.openai_server import WORLD


def list_routes() -> list[web.RouteDef]:
    return [
        web.post("/control/reset", reset),
        web.post("/control/forget", forget),
        web.post("/control/behaviour/{endpoint}", set_behaviour),
        web.post("/control/script", add_script),
        web.get("/control/requests/{endpoint}", wait_for_requests),
    ]


async def reset(request: web.Request) -> web.Response:
    request.app[WORLD].reset()
    return web.json_response({})


async def forget(request: web.Request) -> web.Response:
    """Forget all requests that came until now."""
    request.app[WORLD].seen.clear()
    return web.json_response({})


async def set_behaviour(request: web.Request) -> web.Response:
    """Change how an endpoint behaves. The body has fields of Behaviour."""
    try:
        request.app[WORLD].behave(request.match_info["endpoint"], await request.json())
    except (KeyError, TypeError, ValueError) as error:
        return web.json_response({"error": str(error)}, status=400)
    return web.json_response({})


async def add_script(request: web.Request) -> web.Response:
    """Add to what is heard, replied and read aloud, each used in order.

    The body is {"transcripts": [...], "replies": [...], "readings": [...]}. A reply is a behaviour.Script.
    """
    body = await request.json()
    request.app[WORLD].transcription.extend(body.get("transcripts", []))
    request.app[WORLD].replies.extend(body.get("replies", []))
    request.app[WORLD].readings.extend(body.get("readings", []))
    return web.json_response({})


async def wait_for_requests(request: web.Request) -> web.Response:
    """Wait up to `timeout` seconds for `count` requests in `state`, and answer 408 when they do not come."""
    query = request.query
    waiting = request.app[WORLD].wait_for(
        request.match_info["endpoint"], query.get("state", "received"), int(query.get("count", "0"))
    )
    try:
        found = await asyncio.wait_for(waiting, float(query.get("timeout", "5")))
    except TimeoutError:
        return web.json_response({"error": "they did not come"}, status=408)
    return web.json_response([asdict(seen) for seen in found])
