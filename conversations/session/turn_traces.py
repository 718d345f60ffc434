"""The trace of each turn of a session, put together from its calls to engines and from what is sent of its response.

A turn is traced when its response has ended: which utterance it answers, and whether a reply that was begun early was
used, is known only then.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from time import monotonic
from typing import Any

from conversations import metrics, tracing
from conversations.engines.base import EngineSpec
from conversations.realtime import commands
from conversations.realtime.protocol.session_config import SessionConfig
from conversations.session.engine_calls.observed import EngineCall, note_calls
from conversations.session.turn_spans import Turn, build_call_span, build_turn_span
from conversations.storage.store import OpenedConversation

MOST_CALLS = 500  # that no turn has taken yet; the oldest are left out
SETTLE_SEC = 1.0  # after `response.done`: streams that were cut are closed, and the page tells when it began to play


def begin(opened: OpenedConversation, config: SessionConfig) -> "Traces":
    """Collect the traces of a session from now on, if they are wanted.

    The calls are noted that this task makes, and what it starts from now on.
    """
    if not tracing.is_on():
        return OFF
    traces = TurnTraces(opened, only_transcribes=config.is_transcription, parent=tracing.get_parent())
    note_calls(traces.note_call)
    return traces


class Traces:
    """A session where nobody wants traces: its responses are counted, and that is all."""

    def see(self, command: Any) -> None:
        """See what the machine has decided: an event that is sent, or an item that is stored with its waterfall."""
        match command:
            case commands.Send({"type": "response.done", "response": {"status": status}}):
                metrics.count_response(status)

    def end(self) -> None:
        """Trace the turns that have just ended, since the session is over."""


OFF = Traces()


class TurnTraces(Traces):
    """The traces of one session, sent to `parent` or each by itself.

    A session that only transcribes has no turns: there each call is a trace of its own.
    """

    def __init__(self, opened: OpenedConversation, *, only_transcribes: bool, parent: Any) -> None:
        self._conversation_id, self._assistant = opened.public_id, opened.assistant_slug
        self._s2s = None if only_transcribes else opened.engines.s2s
        self._only_transcribes, self._parent = only_transcribes, parent
        self._calls: deque[EngineCall] = deque(maxlen=MOST_CALLS)
        # Ids of items that were committed, and that no response answers yet.
        self._utterances: deque[str] = deque(maxlen=MOST_CALLS)
        self._running: dict[str, _Response] = {}
        self._ended: dict[str, asyncio.TimerHandle] = {}  # by the id of the response
        self._done: dict[str, tuple[_Response, Mapping[str, Any], float]] = {}

    def see(self, command: Any) -> None:
        super().see(command)
        match command:
            case commands.Send({"type": "input_audio_buffer.committed", "item_id": item_id}):
                self._utterances.append(item_id)
            case commands.Send({"type": "response.created", "response": response}):
                self._begin_response(response)
            case commands.Send({"type": "response.done", "response": response}):
                self._end_response(response)
            case commands.Save(item) if item.waterfall and item.response_id in self._running:
                self._running[item.response_id].waterfall = item.waterfall

    def end(self) -> None:
        for response_id in list(self._ended):
            self._ended.pop(response_id).cancel()
            self._export(response_id)

    def note_call(self, call: EngineCall) -> None:
        """Take a call that has ended."""
        if self._only_transcribes:
            tracing.export(build_call_span(call, self._conversation_id), self._parent)
        else:
            self._calls.append(call)

    def _begin_response(self, response: Mapping[str, Any]) -> None:
        running = self._running[response["id"]] = _Response(response["id"])
        if response.get("conversation_id") is not None:
            running.own.update(self._utterances)
            self._utterances.clear()

    def _end_response(self, response: Mapping[str, Any]) -> None:
        response_id = response["id"]
        if running := self._running.pop(response_id, None):
            self._done[response_id] = (running, response, monotonic())
            loop = asyncio.get_running_loop()
            self._ended[response_id] = loop.call_later(SETTLE_SEC, self._export, response_id)

    def _export(self, response_id: str) -> None:
        self._ended.pop(response_id, None)
        running, response, done_at = self._done.pop(response_id)
        own = [call for call in self._calls if call.turn_id in running.own]
        discarded = self._find_discarded(running)
        for call in (*own, *discarded):
            self._calls.remove(call)
        if self._s2s is not None:
            own.append(_build_s2s_call(self._s2s, response, running, done_at))
        times = running.began_at, done_at, running.waterfall
        turn = Turn(self._conversation_id, self._assistant, response, *times, own, discarded)
        tracing.export(build_turn_span(turn), self._parent)

    def _find_discarded(self, before: "_Response") -> list[EngineCall]:
        """Return the calls from before this response began that were made for nothing that is still to be answered."""
        known = [before, *self._running.values(), *(other for other, _, _ in self._done.values())]
        awaited = set(self._utterances).union(*(response.own for response in known))
        return [call for call in self._calls if call.began_at < before.began_at and call.turn_id not in awaited]


class _Response:
    """A response that the client was told of. Its calls are made for its own id, and for those of the utterances."""

    def __init__(self, response_id: str) -> None:
        self.own = {response_id}
        self.began_at = monotonic()
        self.waterfall: Mapping[str, int] = {}


def _build_s2s_call(spec: EngineSpec, response: Mapping[str, Any], running: _Response, done_at: float) -> EngineCall:
    """Return the one call of a turn that a speech-to-speech model answers, from the endpoint to its end."""
    usage, steps = response.get("usage") or {}, running.waterfall
    endpoint_at = done_at - steps.get("done", round((done_at - running.began_at) * 1000)) / 1000
    first_ms = min((ms for step, ms in steps.items() if step in ("first_token", "first_audio")), default=None)
    call = EngineCall("s2s", spec.provider, spec.model, endpoint_at, response["id"], ended_at=done_at)
    call.first_at = None if first_ms is None else endpoint_at + first_ms / 1000
    call.outcome = "cancelled" if response["status"] == "cancelled" else "completed"
    call.input_tokens, call.output_tokens = usage.get("input_tokens", 0), usage.get("output_tokens", 0)
    return call
