"""A bare WebSocket to a site: how it is let in, and how it is refused."""

import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.support.official_client import Talk


async def receive_first(socket: ClientConnection) -> Any:
    return json.loads(await socket.recv())


async def receive_refusal(socket: ClientConnection) -> tuple[str, int]:
    """Return the error's code and the close code."""
    event = await receive_first(socket)
    with pytest.raises(ConnectionClosed) as closed:
        await socket.recv()
    assert closed.value.rcvd is not None
    return event["error"]["code"], closed.value.rcvd.code


def build_authorization(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def receive_ending(talk: Talk) -> tuple[str, int]:
    """Return the code of the last error, and the close code."""
    with pytest.raises(ConnectionClosed) as closed:
        await talk.wait_for("never")
    assert closed.value.rcvd is not None
    errors = [event["error"]["code"] for event in talk.events if event["type"] == "error"]
    return errors[-1], closed.value.rcvd.code
