"""The emulated OpenAI: transcriptions, chat completions, speech, models."""

import asyncio
import io
import json
import time
import wave
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from aiohttp import web

from tests.upstream.behaviour import DRIP_SEC, Ending, FaultInjected, Script, Seen, World
from tests.upstream.chat_replies import answer_unscripted, build_deltas, choose_finish_reason
from tests.upstream.raw_answers import parse_raw, write_raw
from tests.upstream.sound import SAMPLE_RATE, make_speech

WORLD = web.AppKey("world", World)
STARTED = "started response"
MODELS = ("gpt-6-luna", "gpt-transcribe", "whisper-1", "tts-1", "gpt-4o-mini-tts")
ERRORS: dict[str, tuple[int, str, str | None, str]] = {  # status, type, code, message
    "401": (401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    "403": (403, "invalid_request_error", "unsupported_country_region_territory", "Country not supported."),
    "404": (404, "invalid_request_error", "model_not_found", "The model does not exist."),
    "429_rate": (429, "requests", "rate_limit_exceeded", "Rate limit reached for requests."),
    "429_quota": (429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota."),
    "500": (500, "server_error", None, "The server had an error."),
    "503": (503, "server_error", None, "The engine is overloaded."),
}
Answer = Callable[[Seen, str], Awaitable[web.StreamResponse]]


def list_routes() -> list[web.RouteDef]:
    return [
        web.get("/v1/models", list_models),
        web.post("/v1/audio/transcriptions", transcribe),
        web.post("/v1/chat/completions", complete_chat),
        web.post("/v1/audio/speech", synthesize_speech),
    ]


async def list_models(request: web.Request) -> web.StreamResponse:
    async def answer(seen: Seen, fault: str) -> web.StreamResponse:
        await request.app[WORLD].think(seen, fault)
        ollama = request.app[WORLD].ollama
        models, owner = (MODELS, "openai") if ollama is None else (tuple(ollama), "library")
        data = [{"id": model, "object": "model", "created": 1, "owned_by": owner} for model in models]
        response = web.json_response({"object": "list", "data": data})
        if request.app[WORLD].behaviours["models"].packed:
            response.enable_compression(web.ContentCoding.gzip)
        return response

    return await serve(request, "models", {}, answer)


async def transcribe(request: web.Request) -> web.StreamResponse:
    asked, pcm = await _read_form(request)

    async def answer(seen: Seen, fault: str) -> web.StreamResponse:
        await request.app[WORLD].think(seen, fault)
        text = request.app[WORLD].hear(pcm, asked["rate"])
        metered = request.app[WORLD].behaviours["transcriptions"].metered
        usage = {"type": "duration", "seconds": asked["seconds"] if metered is None else metered}
        return web.json_response({"text": text, "usage": usage})

    return await serve(request, "transcriptions", asked, answer)


async def complete_chat(request: web.Request) -> web.StreamResponse:
    world = request.app[WORLD]
    asked = await request.json()

    async def answer(seen: Seen, fault: str) -> web.StreamResponse:
        script = _choose_reply(world, asked["messages"], seen.key)
        if raw := parse_raw(script):
            return await write_raw(request, raw)
        whole = build_deltas(script)
        kept = whole[: asked.get("max_completion_tokens") or asked.get("max_tokens")]
        async for delta in world.pace(seen, fault, kept):
            choice = {"index": 0, "delta": delta, "finish_reason": None}
            await _write(request, _build_chunk(asked, choices=[choice]), "text/event-stream")
        choice = {"index": 0, "delta": {}, "finish_reason": choose_finish_reason(whole, kept)}
        await _write(request, _build_chunk(asked, choices=[choice]))
        if asked.get("stream_options", {}).get("include_usage"):
            usage = _count_usage(asked, len(kept))
            if (metered := world.behaviours["chat"].metered) is not None:
                usage = dict.fromkeys(usage, metered)
            await _write(request, _build_chunk(asked, choices=[], usage=usage))
        return await _write(request, b"data: [DONE]\n\n")

    return await serve(request, "chat", asked, answer)


async def synthesize_speech(request: web.Request) -> web.StreamResponse:
    world = request.app[WORLD]
    asked = await request.json()

    async def answer(seen: Seen, fault: str) -> web.StreamResponse:
        size = world.behaviours["speech"].piece_bytes
        parts = _render_parts(world, asked["input"], size)
        response: web.StreamResponse = web.Response()
        async for part in world.pace(seen, fault, parts, size / SAMPLE_RATE / 2):
            response = await _write(request, part, "audio/pcm")
        return response

    return await serve(request, "speech", asked, answer)


def _choose_reply(world: World, messages: list[dict[str, Any]], key: str) -> Script:
    if world.mind:
        return world.mind(messages, key)
    return world.replies.popleft() if world.replies else answer_unscripted(messages)


def _render_parts(world: World, text: str, size: int) -> Iterator[bytes]:
    """Begin to render the speech at once, and return its parts."""
    rendering = world.voice(text) if world.voice else None

    def cut_parts() -> Iterator[bytes]:
        pcm = rendering.result() if rendering else make_speech(text)
        yield from (pcm[start : start + size] for start in range(0, len(pcm), size))

    return cut_parts()


def get_peer(request: web.Request) -> str:
    assert request.transport is not None
    host, port = request.transport.get_extra_info("peername")[:2]
    return f"{host}:{port}"


async def serve(request: web.Request, endpoint: str, asked: dict[str, Any], answer: Answer) -> web.StreamResponse:
    """Answer the request or misbehave, and record how it ended."""
    world = request.app[WORLD]
    key = request.headers.get("Authorization", "").removeprefix("Bearer ")
    seen = await world.receive(endpoint, key, asked, get_peer(request))
    ending: Ending = "done"
    try:
        try:
            raw = parse_raw(world.behaviours[endpoint].raw)
            fault = "" if raw else world.take_fault(endpoint, str(asked.get("model", "")))
            answering = write_raw(request, raw) if raw else answer(seen, fault)
            response = _find_refusal(world, seen) or await answering
            if isinstance(response, web.WebSocketResponse):  # or else it ends by a fault
                ending = "closed_by_peer"
            return response
        except FaultInjected as injected:
            response = await _misbehave(request, injected.fault)
            if not response.prepared:
                response.headers.update(world.behaviours[endpoint].headers)
            ending = "fault"
            return response
    except (asyncio.CancelledError, ConnectionError):
        ending = "closed_by_peer"
        raise
    finally:
        await world.end(seen, ending)


async def _read_form(request: web.Request) -> tuple[dict[str, Any], bytes]:
    """Return the form's fields and the PCM of its file. A name that ends in [] may come several times."""
    form = await request.post()
    asked: dict[str, Any] = {name: value for name, value in form.items() if isinstance(value, str)}
    asked |= {name: form.getall(name) for name in asked if name.endswith("[]")}
    file = form["file"]
    assert isinstance(file, web.FileField)
    with wave.open(io.BytesIO(file.file.read())) as audio:
        asked["seconds"] = audio.getnframes() / audio.getframerate()
        asked["rate"], asked["channels"] = audio.getframerate(), audio.getnchannels()
        return asked, audio.readframes(audio.getnframes())


async def _write(request: web.Request, data: bytes, content_type: str = "") -> web.StreamResponse:
    """Write data to the streamed response, which the first data starts."""
    if STARTED not in request:
        request[STARTED] = web.StreamResponse(headers={"Content-Type": content_type})
        await request[STARTED].prepare(request)
    response: web.StreamResponse = request[STARTED]
    await response.write(data)
    return response


def _find_refusal(world: World, seen: Seen) -> web.Response | None:
    behaviour = world.behaviours[seen.endpoint]
    if behaviour.accepted_key and seen.key != behaviour.accepted_key:
        return _build_error("401")
    name = behaviour.refused_parameter
    if name and any(asked.removesuffix("[]") == name for asked in seen.asked):
        said = behaviour.refusal or f"Unsupported parameter: '{name}'."
        error = {"message": said, "type": "invalid_request_error", "param": name}
        return web.json_response({"error": error}, status=400)
    return None


async def _misbehave(request: web.Request, fault: str) -> web.StreamResponse:
    match fault:
        case "hang":
            await asyncio.Event().wait()
        case "cut" | "session_expired":
            assert request.transport is not None
            request.transport.abort()
        case "garbage":
            if STARTED in request:
                return await _write(request, b"data: {not json\n\n")
            return web.Response(text="<html>It works!</html>", content_type="text/html")
        case "error_event":
            error = {"message": "The server had an error.", "type": "server_error", "code": None}
            return await _write(request, f"data: {json.dumps({'error': error})}\n\n".encode(), "text/event-stream")
        case "404_path":
            return web.json_response({"detail": "Not Found"}, status=404)
        case "wrong_type":
            return web.Response(body=b"%PDF-1.7\n" + bytes(range(256)), content_type="application/pdf")
        case "drip":
            while True:
                await _write(request, b" ", "application/octet-stream")
                await asyncio.sleep(DRIP_SEC)
        case "302":
            return web.Response(status=302, headers={"Location": "/v1/models"})
        case _ if fault in ERRORS:
            return _build_error(fault)
    return request.get(STARTED) or web.Response()  # "empty"


def _build_error(fault: str) -> web.Response:
    status, kind, code, message = ERRORS[fault]
    return web.json_response({"error": {"message": message, "type": kind, "param": None, "code": code}}, status=status)


def _build_chunk(asked: dict[str, Any], **fields: Any) -> bytes:
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": int(time.time()), **fields}
    return f"data: {json.dumps({'model': asked['model'], **chunk})}\n\n".encode()


def _count_usage(asked: dict[str, Any], completion: int) -> dict[str, Any]:
    prompt = sum(len((message["content"] or "").split()) for message in asked["messages"])
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": prompt // 2},
    }
