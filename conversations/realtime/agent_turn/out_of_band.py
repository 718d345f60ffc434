"""Responses out of band (`conversation: "none"`): beside the conversation, which neither holds nor awaits them.

They have no part in turns: speech does not interrupt them, and they are not stored.
"""

from typing import Any

from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.generation import ResponseBuilder
from conversations.realtime.agent_turn.preemptive import GenerationEvent
from conversations.realtime.agent_turn.rate import TOO_MANY
from conversations.realtime.agent_turn.response import Phase, Response, ResponseStatus, failed
from conversations.realtime.agent_turn.thinking import ThinkingBudget
from conversations.realtime.protocol.errors import Failure, ProtocolError
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.protocol.response_options import ResponseOptions, find_awaited
from conversations.realtime.state import Core


class OutOfBandResponses:
    def __init__(self, core: Core) -> None:
        self.core = core
        self._builder = ResponseBuilder(core)
        self._running: dict[str, Response] = {}

    def begin(self, options: ResponseOptions) -> None:
        """Raises ProtocolError. It waits while words of the user, which it may be about, are being transcribed."""
        if len(self._running) >= self.core.limits.max_out_of_band:
            message = f"{self.core.limits.max_out_of_band} responses out of band are running, the most. Wait for one."
            raise ProtocolError("too_many_responses", message)
        item = LiveItem(self.core.make_id("item"), role="assistant", status="in_progress", is_audio=options.is_audio)
        response = Response(self.core.make_id("resp"), item, options, None, self.core.send)
        item.response_id, item.sent_text = response.id, ""
        response.thinking = ThinkingBudget(self.core.limits.thinking_sec)
        response.awaits = find_awaited(self.core, options)
        response.stamp("endpoint", self.core.now)
        self._running[response.id] = response
        self._watch(response)
        response.create()
        if not self.core.rates.begin(self.core.now):
            self._fail(response, TOO_MANY)
        else:
            self.settle()

    def settle(self) -> None:
        """Goes on with what waited for the user's words."""
        if self.core.pending:
            return
        for response in [one for one in self._running.values() if one.phase is Phase.WAITING]:
            if failure := self._builder.ask(response):
                self._fail(response, failure)

    def words_failed(self, item_id: str, failure: Failure) -> None:
        """See AgentTurn."""
        for response in list(self._running.values()):
            if response.phase is Phase.WAITING and item_id in response.awaits:
                self._fail(response, failure)

    def expects(self, response_id: str) -> bool:
        return response_id in self._running

    def receive(self, event: GenerationEvent) -> None:
        response = self._running[event.response_id]
        if isinstance(event, engine_events.GenerationFailed):
            self._fail(response, event.failure)
        elif failure := self._builder.take(response, event, self.core.now):
            self._fail(response, failure)
        elif response.is_spoken:
            details = response.status_details
            self._end(response, "incomplete" if details else "completed", details)

    def cancel(self, response_id: str) -> None:
        response = self._running[response_id]
        self.core.do(commands.Abort(response.id))
        self._end(response, "cancelled", {"type": "cancelled", "reason": "client_cancelled"})

    def leave(self) -> None:
        for response_id in list(self._running):
            self.cancel(response_id)

    def overdue(self, response_id: str) -> None:
        response = self._running.get(response_id)
        if response is None:
            return
        if self.core.now < response.progress_at + self.core.limits.response_timeout_sec:
            self._watch(response)
        else:
            self._fail(response, Failure("response_timeout", "The reply took too long and was given up. Try again."))

    def _watch(self, response: Response) -> None:
        self.core.set_deadline(
            "out_of_band", response.progress_at + self.core.limits.response_timeout_sec, of=response.id
        )

    def _fail(self, response: Response, failure: Failure) -> None:
        self.core.do(commands.Abort(response.id))
        self._end(response, "failed", failed(failure))

    def _end(self, response: Response, status: ResponseStatus, details: dict[str, Any] | None) -> None:
        response.status, response.status_details = status, details
        response.item.status = "completed" if status == "completed" else "incomplete"
        self._builder.tool_calls.abandon(response)
        if response.is_open:
            response.settle_clauses()
            response.close_message(None)
        self._builder.tool_calls.hand_over(response)
        del self._running[response.id]
        self.core.set_deadline("out_of_band", None, of=response.id)
        response.finish()
        self.core.send_rates()
