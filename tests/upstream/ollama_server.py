"""The emulated Ollama: its own lists of models, beside the OpenAI-compatible routes, once it was told which it has."""

from aiohttp import web

from tests.upstream.openai_server import WORLD


def list_routes() -> list[web.RouteDef]:
    return [
        web.get("/api/version", tell_version),
        web.get("/api/tags", list_tags),
        web.get("/api/ps", list_loaded),
        web.post("/control/ollama", set_models),
    ]


async def set_models(request: web.Request) -> web.Response:
    """Be an Ollama with these models from now on. The body has for each name what /api/tags and /api/ps tell of it."""
    request.app[WORLD].ollama = await request.json()
    return web.json_response({})


async def tell_version(request: web.Request) -> web.Response:
    _require_ollama(request)
    return web.json_response({"version": "0.12.6"})


async def list_tags(request: web.Request) -> web.Response:
    models = _require_ollama(request)
    always = {"size": 2_500_000_000, "digest": "ab" * 32, "details": {"format": "gguf", "family": "qwen3"}}
    rows = [{"name": name, "model": name, **always, **fields} for name, fields in models.items()]
    return web.json_response({"models": rows})


async def list_loaded(request: web.Request) -> web.Response:
    models = _require_ollama(request)
    rows = [{"name": name, "model": name, **fields} for name, fields in models.items() if "expires_at" in fields]
    return web.json_response({"models": rows})


def _require_ollama(request: web.Request) -> dict[str, dict[str, object]]:
    models = request.app[WORLD].ollama
    if models is None:
        raise web.HTTPNotFound
    return models
