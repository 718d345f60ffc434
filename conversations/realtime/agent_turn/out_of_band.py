"""Out-of-band responses (`conversation: "none"`): responses that are not part of the conversation.

They do not take turns: speech does not interrupt them, the conversation does not wait for them, nothing is stored.
"""

from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn import response_events
from conversations.realtime.agent_turn.generation import ResponseBuilder
from conversations.realtime.agent_turn.response import Phase, Response, ResponseStatus
from conversations.realtime.agent_turn.response_closing import close_response
from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.protocol.errors import RATE_LIMIT_EXCEEDED, Failure, build_too_many_out_of_band_error
from conversations.realtime.protocol.response_options import ResponseOptions


class OutOfBandResponses:
    """The out-of-band responses of one session that are running."""

    def __init__(self, state: CascadeState) -> None:
        self.state = state
        self._builder = ResponseBuilder(state)
        self._running: dict[str, Response] = {}

    @property
    def is_busy(self) -> bool:
        """Return whether any of them is running."""
        return bool(self._running)

    def begin(self, options: ResponseOptions) -> None:
        """Start a response, or raise ProtocolError if too many are running.

        It waits while an utterance that it may be about is being transcribed.
        """
        most = self.state.limits.max_out_of_band
        if len(self._running) >= most:
            raise build_too_many_out_of_band_error(most)
        response = Response.open(self.state, options, self.state.make_id("resp"), None)
        response.stamp("endpoint", self.state.now)
        self._running[response.id] = response
        self._watch(response)
        response_events.send_created(response)
        if not self.state.rate_limit.try_begin(self.state.now):
            self._fail(response, RATE_LIMIT_EXCEEDED)
        else:
            self.settle()

    def settle(self) -> None:
        """Start generating the responses that waited for transcripts, if none is pending any more."""
        if self.state.pending:
            return
        for response in [one for one in self._running.values() if one.phase is Phase.WAITING]:
            if failure := self._builder.generate(response):
                self._fail(response, failure)

    def fail_awaiting(self, item_id: str, failure: Failure) -> None:
        """Fail each response that waits for the transcript of this item, since that has failed."""
        for response in list(self._running.values()):
            if response.phase is Phase.WAITING and item_id in response.awaits:
                self._fail(response, failure)

    def is_awaiting(self, response_id: str) -> bool:
        """Return whether this response is one of them and still running."""
        return response_id in self._running

    def receive(self, event: engine_events.GenerationEvent) -> None:
        """Take what an engine brings for one of the responses."""
        response = self._running[event.response_id]
        if isinstance(event, engine_events.GenerationFailed):
            self._fail(response, event.failure)
        elif failure := self._builder.receive(response, event, self.state.now):
            self._fail(response, failure)
        elif response.is_spoken:
            self._end(response, "incomplete" if response.reason else "completed", response.reason)

    def cancel(self, response_id: str) -> None:
        """End this response at the client's request."""
        response = self._running[response_id]
        self.state.do(commands.Abort(response.id))
        self._end(response, "cancelled", "client_cancelled")

    def leave(self) -> None:
        """Cancel all of them: the client is gone."""
        for response_id in list(self._running):
            self.cancel(response_id)

    def check_progress(self, response_id: str) -> None:
        """Fail the response if it has made no progress for `response_timeout_sec`."""
        response = self._running.get(response_id)
        if response is None:
            return
        if self.state.now < response.progress_at + self.state.limits.response_timeout_sec:
            self._watch(response)
        else:
            self._fail(response, Failure("response_timeout", "The reply took too long. Please try again."))

    def _watch(self, response: Response) -> None:
        self.state.set_deadline(
            "out_of_band", response.progress_at + self.state.limits.response_timeout_sec, of=response.id
        )

    def _fail(self, response: Response, failure: Failure) -> None:
        self.state.do(commands.Abort(response.id))
        self._end(response, "failed", failure)

    def _end(self, response: Response, status: ResponseStatus, reason: Failure | str | None) -> None:
        del self._running[response.id]
        self.state.set_deadline("out_of_band", None, of=response.id)
        close_response(self.state, self._builder.tool_calls, response, status, reason)
