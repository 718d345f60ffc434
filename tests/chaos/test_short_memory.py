"""The process may take no more memory: callers are served or told, none is left without a word, and it recovers."""

import asyncio
import json
import resource
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.support.chaos.servers import Servers
from tests.support.patience import stretch
from tests.support.sockets import build_authorization
from tests.upstream.fixtures import Upstream

CALLERS = 30
MORE_BYTES = 2_000_000
PART = {"type": "input_text", "text": "x" * 90_000}
MESSAGE = {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": [PART]}}


def limit_memory(pid: int, more_bytes: int | None) -> None:
    """Let the process have so much address space beyond what it has now; None lets it have all again."""
    taken = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
    soft = resource.RLIM_INFINITY if more_bytes is None else taken + more_bytes
    resource.prlimit(pid, resource.RLIMIT_AS, (soft, resource.RLIM_INFINITY))


async def call(url: str, key: str) -> str:
    """Return "served", or how the call ended; raise TimeoutError if nobody says anything."""
    try:
        async with asyncio.timeout(stretch(30)), connect(url, additional_headers=build_authorization(key)) as socket:
            await socket.send(json.dumps(MESSAGE))
            while (event := json.loads(await socket.recv()))["type"] != "conversation.item.done":
                if event["type"] == "error":
                    return str(event["error"]["code"])
            return "served"
    except (WebSocketException, OSError) as error:
        return type(error).__name__


@pytest.mark.timeout(0)
async def test_who_calls_is_served_or_told(servers: Servers, upstream: Upstream) -> None:
    key = servers.make_key()
    site = servers.sites[0]
    url = f"{site.ws_url}/v1/realtime"
    assert await call(url, key) == "served"
    limit_memory(site.process.pid, MORE_BYTES)
    endings = await asyncio.gather(*(call(url, key) for _ in range(CALLERS)))
    limit_memory(site.process.pid, None)
    assert set(endings) != {"served"}, "the limit was not met"
    assert site.process.poll() is None
    assert await call(url, key) == "served", endings
