"""Answers that are given byte by byte: what other servers than OpenAI's send, and what hostile ones do."""

import asyncio
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from aiohttp import web

Ending = Literal["end", "open", "cut"]


@dataclass(frozen=True)
class Raw:
    """An answer whose `pieces` are written one by one, with a pause between them, and then the `ending` comes."""

    pieces: tuple[bytes, ...]
    content_type: str = "text/event-stream"
    ending: Ending = "end"
    pause_ms: float = 0.0
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def build_script(self) -> dict[str, Any]:
        """Return what `Upstream.script(replies=…)` and `Upstream.behave(…, raw=…)` take."""
        return asdict(self) | {"pieces": [b64encode(piece).decode() for piece in self.pieces]}


def parse_raw(script: object) -> Raw | None:
    if not isinstance(script, dict) or "pieces" not in script:
        return None
    return Raw(**script | {"pieces": tuple(b64decode(piece) for piece in script["pieces"])})


async def write_raw(request: web.Request, raw: Raw) -> web.StreamResponse:
    headers = {"Content-Type": raw.content_type} | raw.headers
    response = web.StreamResponse(status=raw.status, headers=headers)
    await response.prepare(request)
    for number, piece in enumerate(raw.pieces):
        if number:
            await asyncio.sleep(raw.pause_ms / 1000)
        await response.write(piece)
    if raw.ending == "open":
        await asyncio.Event().wait()
    elif raw.ending == "cut":
        assert request.transport is not None
        request.transport.abort()
    return response
