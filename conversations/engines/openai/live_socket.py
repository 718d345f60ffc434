"""A WebSocket to `/v1/realtime` of OpenAI or a compatible server: opened, read, closed; failures in our words."""

import asyncio
import logging
from typing import Any

import httpcore2
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus, InvalidURI, WebSocketException

from accounts.outbound.bounded_answers import parse_json
from accounts.outbound.public_addresses import public_address
from conversations.engines.openai.account import CONNECT_SEC, SDK_ERRORS, Account
from conversations.network.http import tls_context

MAX_MESSAGE_BYTES = 1_000_000
CLOSE_SEC = 1.0

# At DEBUG the library writes the headers of its handshake, and so the key.
_quiet = logging.getLogger(f"{__name__}.websocket")
_quiet.setLevel(logging.INFO)


async def open_socket(
    account: Account,
    query: dict[str, str],
    expected: str,
    timeout_sec: float,
    max_message_bytes: int = MAX_MESSAGE_BYTES,
) -> AsyncRealtimeConnection:
    """`expected`: what the other end is to be, in words for the user. Raises EngineError."""
    failures = account.failures
    try:
        async with asyncio.timeout(min(CONNECT_SEC, timeout_sec)):
            options = await _options(account, max_message_bytes)
            realtime = account.client.realtime
            return await realtime.connect(extra_query=query, websocket_connection_options=options).enter()
    except InvalidStatus as error:
        refused = error.response
        raise account.explain_refusal(refused.status_code, bytes(refused.body), refused.headers) from None
    except InvalidURI as error:
        raise failures.not_found() from error
    except (InvalidMessage, ConnectionClosed) as error:
        raise failures.broke_off() from error
    except WebSocketException as error:
        raise failures.garbage(expected) from error
    except (OSError, httpcore2.ConnectError) as error:  # TimeoutError is one
        raise failures.unreachable() from error
    except SDK_ERRORS as error:
        raise account.explain(error) from error


async def _options(account: Account, max_message_bytes: int) -> Any:
    """For `websockets.connect`. Where a user typed the base URL it goes to the very address that was checked."""
    url = account.client.base_url
    options: dict[str, Any] = {
        "max_size": max_message_bytes,
        "compression": None,  # it is base64 of noise; the compressor takes 300 kB a session
        "close_timeout": CLOSE_SEC,
        "open_timeout": None,
        "logger": _quiet,
    }
    if url.scheme == "https":
        options["ssl"] = tls_context()
    if account.public_only:
        port = url.port or (443 if url.scheme == "https" else 80)
        options |= {"host": await public_address(url.host, port), "port": port, "proxy": None}
    return options


async def next_event(connection: AsyncRealtimeConnection, account: Account, expected: str) -> dict[str, Any] | None:
    """None for JSON that is no object. Raises EngineError for what is no JSON, and what `websockets` raises."""
    data = await connection.recv_bytes()
    try:
        event = parse_json(data, max_bytes=len(data))  # the socket has bounded it
    except ValueError as error:
        raise account.failures.garbage(expected) from error
    return event if isinstance(event, dict) else None


async def close_socket(connection: AsyncRealtimeConnection) -> None:
    """Says goodbye, but not for long: to a server that reads no more the library waits for ever until it can."""
    try:
        async with asyncio.timeout(CLOSE_SEC):
            await connection.close()
    except TimeoutError:
        pass
    finally:
        connection._connection.transport.abort()
