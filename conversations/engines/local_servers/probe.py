"""Look whether a server of language models answers at an address. Only GET requests are made, which change nothing.

Whatever stands there may be anything: redirects are not followed, answers are bounded in size and time, and the
proxies of the environment are not asked.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx2

from accounts.outbound.bounded_responses import MAX_JSON_BYTES, PLAIN, parse_json
from conversations.engines.local_servers import model_lists
from conversations.engines.local_servers.addresses import Address
from conversations.engines.local_servers.found import LocalModel, LocalServer
from conversations.network.http import BoundedTransport

PROBE_SEC = 1.5  # for all that is asked at one address
UNKNOWN_SOFTWARE = "A compatible server"


async def probe_all(addresses: Sequence[Address]) -> tuple[LocalServer, ...]:
    """Return the servers that answer within PROBE_SEC, each once though it may answer at 127.0.0.1 and at ::1."""
    transport = BoundedTransport(httpx2.AsyncHTTPTransport(verify=False), MAX_JSON_BYTES)
    async with httpx2.AsyncClient(transport=transport, trust_env=False, headers=PLAIN, timeout=PROBE_SEC) as client:
        found = await asyncio.gather(*(_probe_in_time(client, address) for address in addresses))
    servers: dict[tuple[int, tuple[str, ...]], LocalServer] = {}
    for server in found:
        if server:
            servers.setdefault((server.address.port, tuple(model.name for model in server.models)), server)
    return tuple(servers.values())


async def _probe_in_time(client: httpx2.AsyncClient, address: Address) -> LocalServer | None:
    try:
        async with asyncio.timeout(PROBE_SEC):
            return await _probe(client, address)
    except TimeoutError:
        return None


async def _probe(client: httpx2.AsyncClient, address: Address) -> LocalServer | None:
    """Return the server at an address, or None if there is none that lists its models."""
    listed = model_lists.read_models(await _get(client, address, "/v1/models"))
    if listed is None:
        return None
    software, models = listed
    if software in ("", "Ollama"):
        tags = model_lists.read_tags(await _get(client, address, "/api/tags"))
        if tags is not None:
            loaded = model_lists.read_loaded(await _get(client, address, "/api/ps"))
            return LocalServer("Ollama", address, model_lists.mark_loaded(models, tags, loaded))
    if software in ("", "LM Studio"):
        states = model_lists.read_states(await _get(client, address, "/api/v0/models"))
        if states is not None:
            kept = (LocalModel(one.name, states[one.name], one.used_at) for one in models if one.name in states)
            return LocalServer("LM Studio", address, tuple(kept))
    return LocalServer(software or UNKNOWN_SOFTWARE, address, models)


async def _get(client: httpx2.AsyncClient, address: Address, path: str) -> Any:
    """Return the JSON of an answer, or None if there is none."""
    try:
        response = await client.get(f"http://{address}{path}")
        return parse_json(response.content) if response.status_code == 200 else None
    except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, ValueError):
        return None
