"""Bound the answers of servers that users and admins name. This file knows neither Django nor the site's policy.

A compressed answer is refused, since it could unfold to a thousand times its size. So is JSON that takes far more
memory than its size suggests, or more stack than there is.
"""

import json
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx2

PLAIN = {"Accept-Encoding": "identity"}
MAX_ERROR_BYTES = 64_000  # of an answer that says what went wrong; the rest is not read
# A chunk of one byte costs the event loop what one of a kilobyte does, so it counts as more than it is.
LEAST_PIECE_BYTES = 64
MAX_JSON_BYTES = 1_000_000
MAX_PARTS = 50_000  # objects and arrays: each takes some fifty times its two characters of memory


class UnfitAnswerError(httpx2.ReadError):
    """An answer is too long, or compressed. The same request would get it again, so do not retry."""


async def bound_answer(response: httpx2.Response, max_bytes: int) -> httpx2.Response:
    """Return the response with a bounded body. Raise UnfitAnswerError if it is compressed.

    Reading more than `max_bytes` of the body raises UnfitAnswerError. The body of an error is cut instead, at
    MAX_ERROR_BYTES.
    """
    if response.headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
        await response.aclose()
        raise UnfitAnswerError("a packed answer, which was not asked for")
    stream = cast(httpx2.AsyncByteStream, response.stream)
    is_error = response.status_code >= 300
    response.stream = CutStream(stream, MAX_ERROR_BYTES) if is_error else BoundedStream(stream, max_bytes)
    return response


class CutStream(httpx2.AsyncByteStream):
    """A stream that ends after `max_bytes`, whatever is still to come."""

    def __init__(self, inner: httpx2.AsyncByteStream, max_bytes: int) -> None:
        self._inner = inner
        self._left = max_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._inner:
            yield piece[: self._left]
            self._left -= max(len(piece), LEAST_PIECE_BYTES)
            if self._left <= 0:
                return

    async def aclose(self) -> None:
        await self._inner.aclose()


class BoundedStream(httpx2.AsyncByteStream):
    """A stream that raises UnfitAnswerError after `max_bytes`."""

    def __init__(self, inner: httpx2.AsyncByteStream, max_bytes: int) -> None:
        self._inner = inner
        self._max_bytes = max_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = 0
        async for piece in self._inner:
            received += max(len(piece), LEAST_PIECE_BYTES)
            if received > self._max_bytes:
                raise UnfitAnswerError(f"an answer of more than {self._max_bytes} bytes")
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()


async def read_body(pieces: AsyncIterator[bytes], max_bytes: int) -> bytes:
    """Return the body of an answer. Raise UnfitAnswerError if it has more than `max_bytes`."""
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > max_bytes:
            raise UnfitAnswerError(f"an answer of more than {max_bytes} bytes")
    return bytes(body)


def parse_json(text: str | bytes, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """Return the value of a JSON text. Raise ValueError if it is no JSON, too large, too deep or has too many parts."""
    if len(text) > max_bytes:
        raise ValueError(f"JSON of more than {max_bytes} bytes")
    parts = text.count("{") + text.count("[") if isinstance(text, str) else text.count(b"{") + text.count(b"[")
    if parts > MAX_PARTS:
        raise ValueError(f"JSON of more than {MAX_PARTS} parts")
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None
