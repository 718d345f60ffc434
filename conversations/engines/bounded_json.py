"""JSON that a stranger wrote: parsed within bounds of size, depth and number of parts, or refused with ValueError."""

import json
from typing import Any

MAX_BYTES = 1_000_000
MAX_PARTS = 50_000  # objects and arrays: each takes some fifty times its two characters of memory


def parse(text: str | bytes, max_bytes: int = MAX_BYTES) -> Any:
    """Return what `text` says. Raises ValueError for what is too large, too deep, or no JSON."""
    data = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    if len(data) > max_bytes:
        raise ValueError(f"JSON of more than {max_bytes} bytes")
    if data.count(b"{") + data.count(b"[") > MAX_PARTS:
        raise ValueError(f"JSON of more than {MAX_PARTS} parts")
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None
