"""The speech-to-speech session, driven by the relay machine (`realtime/relay`)."""

import asyncio
from collections.abc import Awaitable, Callable

from django.conf import settings

from conversations.close_codes import POLICY_VIOLATION, TRY_AGAIN_LATER
from conversations.engines.base import EngineSpec
from conversations.engines.engine_kinds import EngineKind
from conversations.engines.errors import EngineError
from conversations.engines.registry import load, make_s2s
from conversations.realtime.protocol.beta import BetaDialect
from conversations.realtime.protocol.ids import make_id
from conversations.realtime.protocol.session_checks import RANGES
from conversations.realtime.protocol.session_config import SessionConfig, build_config
from conversations.realtime.protocol.session_update import update_config
from conversations.realtime.relay.commands import Reconnect, SendUpstream, UpstreamCommand
from conversations.realtime.relay.machine import RelayMachine
from conversations.realtime.state import Limits, SessionSetup
from conversations.realtime.user_turn.endpoint_silence import PATIENCE_EAGERNESS
from conversations.session.base import Session
from conversations.session.engine_calls.engine_circuits import EngineCircuit
from conversations.session.engine_calls.s2s_connection import S2SUpstream, is_final
from conversations.storage import store
from conversations.storage.engine_selection import EngineSet
from conversations.storage.recorder import Recorder


def warm_engine(engines: EngineSet) -> None:
    """Import and load the engine. It is slow the first time, so call it in a thread."""
    if engines.s2s is not None:
        load("s2s", engines.s2s.provider).warm()


class S2SSession(Session):
    """A session that a speech-to-speech model answers. It performs what the relay machine decides."""

    machine: RelayMachine

    def __init__(
        self,
        opened: store.OpenedConversation,
        spec: EngineSpec,
        send: Callable[[str], Awaitable[None]],
        close_socket: Callable[[int], Awaitable[None]],
        model: str,
        expires_at: int,
        dialect: BetaDialect | None = None,
    ) -> None:
        super().__init__(opened, send, close_socket, dialect)
        self._spec = spec
        self._upstream = S2SUpstream(
            make_s2s(spec), EngineCircuit("s2s", spec), self._dispatch.receive, self._give_up_upstream
        )
        limits = Limits(
            responses_per_min=settings.REALTIME["MAX_RESPONSES_PER_MIN"], turn_budget_sec=settings.TURN_BUDGET_SEC
        )
        self.machine = self._build_machine(
            RelayMachine,
            {
                "config": _build_config(opened, spec, model, expires_at),
                "conversation_id": opened.public_id,
                "limits": limits,
                "items": opened.items,
                "setup": SessionSetup(PATIENCE_EAGERNESS.get(opened.patience, "medium")),
                "transcription_model": spec.stream_model,
            },
        )
        self._record = Recorder(opened, self._get_label, self._end_unstored, self._send_storage_status)

    async def _begin_engines(self, group: asyncio.TaskGroup) -> None:
        self._connection_task = group.create_task(self._upstream.run())

    async def _await_words(self) -> None:
        while self.machine.is_awaiting_words:
            await self._upstream.wait_for_news()

    async def _end_engines(self) -> None:
        self._connection_task.cancel()

    def _perform_own(self, command: UpstreamCommand) -> None:
        match command:
            case SendUpstream(event):
                self._upstream.send(event)
            case Reconnect():
                self._upstream.reconnect()

    def _get_label(self, kind: EngineKind, _: str) -> str:
        if kind == "llm":
            return self._spec.get_label()
        asked = self.machine.state.config.input.transcription
        return f"{self._spec.provider}:{(asked and asked.model) or self._spec.stream_model}"

    def _give_up_upstream(self, failure: EngineError) -> None:
        self.close(POLICY_VIOLATION if is_final(failure) else TRY_AGAIN_LATER, failure.code, failure.message)


def _build_config(opened: store.OpenedConversation, spec: EngineSpec, model: str, expires_at: int) -> SessionConfig:
    slowest, fastest = RANGES["audio.output.speed"]
    config = build_config(
        session_id=make_id("sess"),
        model=model or opened.assistant_slug,
        instructions=opened.instructions,
        voice=spec.voice,
        stt_model=spec.stream_model,
        language=opened.language,
        speed=min(max(opened.speed, slowest), fastest),
        expires_at=expires_at,
    )
    return update_config(config, opened.caller.session, has_sent_audio=False)
