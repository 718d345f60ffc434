"""`session.ping` is answered at once, also while what was said before it cannot be stored."""

import asyncio
import json
from collections.abc import AsyncIterator

import psycopg
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket

from tests.support.live import Site

pytestmark = pytest.mark.usefixtures("committed_db")
PING = {"type": "session.ping"}
PART = {"type": "input_text", "text": 'I said "session.ping".'}
ITEM = {"id": "said", "type": "message", "role": "user", "content": [PART]}


@pytest.fixture
async def socket(site: Site, key: str) -> AsyncIterator[ClientConnection]:
    headers = {"Authorization": f"Bearer {key}"}
    async with open_socket(f"{site.ws_url}/v1/realtime", additional_headers=headers) as socket:
        assert await wait_for(socket, "session.created", "conversation.created") == "session.created"
        yield socket


async def wait_for(socket: ClientConnection, *kinds: str) -> str:
    """Return the type of the first event that has one of these types."""
    async with asyncio.timeout(10):
        while (kind := json.loads(await socket.recv())["type"]) not in kinds:
            pass
    return str(kind)


async def test_it_is_answered_ahead_of_what_waits_for_the_store(socket: ClientConnection, database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as store:
        await store.execute("LOCK TABLE conversations_item IN ACCESS EXCLUSIVE MODE")
        await socket.send(json.dumps({"type": "conversation.item.create", "item": ITEM}))
        for _ in range(2):
            await socket.send(json.dumps(PING))
            assert await wait_for(socket, "session.pong", "conversation.item.added") == "session.pong"
    assert await wait_for(socket, "session.pong", "conversation.item.added") == "conversation.item.added"


async def test_a_ping_of_another_shape_is_a_clients_mistake(socket: ClientConnection) -> None:
    await socket.send(json.dumps({**PING, "event_id": 7}))
    assert await wait_for(socket, "error", "conversation.item.added") == "error"
