"""Build the session that a conversation's assistant asks for: a cascade of three engines, or speech to speech."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from conversations.realtime.protocol.beta import BetaDialect
from conversations.realtime.protocol.session_config import REALTIME
from conversations.session import cascade, s2s
from conversations.session.base import Session
from conversations.session.engine_calls.engine_circuits import EngineCircuit
from conversations.storage.store import OpenedConversation


async def build_session(
    opened: OpenedConversation,
    send: Callable[[str], Awaitable[None]],
    close: Callable[[int], Awaitable[None]],
    model: str,
    *,
    dialect: BetaDialect | None = None,
    kind: str = REALTIME,
    stores_captions: bool = False,
    plays_live: bool = True,
) -> Session:
    """Return a session with its engines loaded; the arguments are those of CascadeSession.

    A transcription session is always a cascade, without tools. So is one whose assistant has a cascade beside speech to
    speech, while that keeps failing. Raise EngineError or ProtocolError.
    """
    spec = opened.engines.s2s
    if spec is not None and opened.engines.has_cascade and not EngineCircuit("s2s", spec).admits():
        opened = replace(opened, engines=replace(opened.engines, s2s=None))
    engines = opened.engines
    wire = (send, close, model, int(time.time() + opened.caller.lifetime_sec), dialect)
    if kind != REALTIME:
        opened = replace(opened, tools=(), mcp_servers=())
    if engines.s2s is None or kind != REALTIME:
        await asyncio.to_thread(cascade.warm_engines, engines)
        return cascade.CascadeSession(opened, *wire, kind, stores_captions=stores_captions, plays_live=plays_live)
    await asyncio.to_thread(s2s.warm_engine, engines)
    return s2s.S2SSession(opened, engines.s2s, *wire)
