"""WebSockets to `/v1/realtime` of OpenAI or a compatible server, whose failures are EngineError."""

import asyncio
import logging
from typing import Any

import httpcore2
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus, InvalidURI, WebSocketException

from accounts.outbound.bounded_responses import parse_json
from accounts.outbound.public_addresses import find_public_address
from conversations.engines.openai.account import CONNECT_SEC, SDK_ERRORS, Account
from conversations.network.http import get_tls_context

MAX_MESSAGE_BYTES = 1_000_000
CLOSE_SEC = 1.0

# At level DEBUG the library logs the headers of its handshake, and so the key.
_quiet = logging.getLogger(f"{__name__}.websocket")
_quiet.setLevel(logging.INFO)


async def open_socket(
    account: Account,
    query: dict[str, str],
    expected: str,
    timeout_sec: float,
    max_message_bytes: int = MAX_MESSAGE_BYTES,
) -> AsyncRealtimeConnection:
    """Open a WebSocket, or raise EngineError. `expected` says what the other end should be, in words for the user."""
    errors = account.errors
    try:
        async with asyncio.timeout(min(CONNECT_SEC, timeout_sec)):
            options = await _build_options(account, max_message_bytes)
            realtime = account.client.realtime
            return await realtime.connect(extra_query=query, websocket_connection_options=options).enter()
    except InvalidStatus as error:
        refused = error.response
        raise account.explain_refusal(refused.status_code, bytes(refused.body), refused.headers) from None
    except InvalidURI as error:
        raise errors.build_not_found_error() from error
    except (InvalidMessage, ConnectionClosed) as error:
        raise errors.build_connection_lost_error() from error
    except WebSocketException as error:
        raise errors.build_unexpected_answer_error(expected) from error
    except (OSError, httpcore2.ConnectError) as error:  # TimeoutError is one
        raise errors.build_unreachable_error() from error
    except SDK_ERRORS as error:
        raise account.explain(error) from error


async def _build_options(account: Account, max_message_bytes: int) -> Any:
    """Return options for `websockets.connect`. A base URL typed by a user is bound to the address just checked."""
    url = account.client.base_url
    options: dict[str, Any] = {
        "max_size": max_message_bytes,
        "compression": None,  # base64 of audio hardly shrinks, and a compressor takes 300 kB a session
        "close_timeout": CLOSE_SEC,
        "open_timeout": None,
        "logger": _quiet,
    }
    if url.scheme == "https":
        options["ssl"] = get_tls_context()
    if account.public_only:
        port = url.port or (443 if url.scheme == "https" else 80)
        options |= {"host": await find_public_address(url.host, port), "port": port, "proxy": None}
    return options


async def receive_event(connection: AsyncRealtimeConnection, account: Account, expected: str) -> dict[str, Any] | None:
    """Return the next event; None for JSON that is not an object.

    Raise EngineError for what is not JSON, and whatever `websockets` raises.
    """
    data = await connection.recv_bytes()
    try:
        event = parse_json(data, max_bytes=len(data))  # the socket bounds its size
    except ValueError as error:
        raise account.errors.build_unexpected_answer_error(expected) from error
    return event if isinstance(event, dict) else None


async def close_socket(connection: AsyncRealtimeConnection) -> None:
    """Close a WebSocket, within CLOSE_SEC: the library would wait for ever for a server that no longer reads."""
    try:
        async with asyncio.timeout(CLOSE_SEC):
            await connection.close()
    except TimeoutError:
        pass
    finally:
        connection._connection.transport.abort()
