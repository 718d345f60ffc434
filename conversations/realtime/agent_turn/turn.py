"""The agent's turn: one response at a time, from the user's endpoint to `response.done`."""

from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn import response_events
from conversations.realtime.agent_turn.generation import ResponseBuilder, has_question
from conversations.realtime.agent_turn.out_of_band import OutOfBandResponses
from conversations.realtime.agent_turn.playback_queue import PlaybackQueue
from conversations.realtime.agent_turn.preemptive_generation import Draft, PreemptiveGeneration
from conversations.realtime.agent_turn.response import Phase, Response, ResponseStatus, TimedEvents
from conversations.realtime.agent_turn.response_closing import close_response
from conversations.realtime.agent_turn.turn_deadlines import TurnDeadlines
from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.engine_events import GenerationEvent
from conversations.realtime.protocol.errors import RATE_LIMIT_EXCEEDED, Failure, IllegalTransitionError
from conversations.realtime.protocol.response_options import ResponseOptions, build_default_options

NO_SPEECH = Failure("no_speech", "No words were heard. Please say it again.")


class AgentTurn:
    """Begin, build, pause and end the responses of the conversation, and keep the rules of who speaks when."""

    def __init__(self, state: CascadeState) -> None:
        self.state = state
        self.preemptive = PreemptiveGeneration(state)
        self.out_of_band = OutOfBandResponses(state)
        self.builder = ResponseBuilder(state)
        self.deadlines = TurnDeadlines(state)
        self.playback_queue = PlaybackQueue(state)
        self.asked_at: float | None = None  # the endpoint of an utterance that is still to be answered
        self.has_asked = False  # the last response asked whether the user is still there

    @property
    def response(self) -> Response | None:
        """Return the running response, or None."""
        return self.playback_queue.running

    @property
    def is_answering(self) -> bool:
        """Return whether a response is running, in the conversation or out of band, or is about to begin."""
        return self.response is not None or self.asked_at is not None or self.out_of_band.is_busy

    # What starts a response.

    def begin(self, options: ResponseOptions) -> None:
        """Start a response. It waits while an utterance is still being transcribed."""
        self.playback_queue.cut_paused()
        draft = None if self.state.pending else self.preemptive.take(options)
        response = self._build_response(options, draft.response_id if draft else self.state.make_id("resp"))
        self.playback_queue.running, self.asked_at, self.has_asked = response, None, False
        self.deadlines.begin(response)
        response_events.send_created(response)
        if not self.state.rate_limit.try_begin(self.state.now):
            self.fail(RATE_LIMIT_EXCEEDED)
        elif draft is not None:
            self._release(response, draft)
        elif not self.state.pending:
            self._generate(response)

    def request_response(self, endpoint_at: float) -> None:
        """Note that an utterance calls for a response, unless a response that waits for transcripts answers it."""
        response = self.response
        if response is None or response.phase is not Phase.WAITING or response.options.input is not None:
            self.asked_at = endpoint_at

    def _build_response(self, options: ResponseOptions, response_id: str) -> Response:
        response = Response.open(self.state, options, response_id, self.state.conversation_id)
        response.shows_timing = self.state.has_extension("playback")
        response.endpoint_at = self.asked_at
        response.stamp("endpoint", self.asked_at or self.state.now)
        response.due_at = self.deadlines.compute_sound_due_at(self.asked_at)
        return response

    def _release(self, response: Response, draft: Draft) -> None:
        """Send what the draft has ready, now that the endpoint is confirmed."""
        response.phase = Phase.GENERATING
        response.spoken_ahead = draft.spoken
        response.stamp("transcript", draft.began_at)
        self.state.do(commands.ReleaseSpeech(response.id))
        self._replay(draft.events)

    def _replay(self, events: TimedEvents) -> None:
        for at, event in events:
            if self.find_running(event.response_id):
                self._take(event, at)

    def settle(self) -> None:
        """Go on with what waited for a transcript, for the user's silence, or for the end of the last response."""
        if self.state.pending:
            return
        self.out_of_band.settle()
        if self.response is not None:
            if self.response.phase is Phase.WAITING:
                self._generate(self.response)
        elif self.asked_at is not None and not self.state.is_user_speaking:
            self.begin(build_default_options(self.state))
        elif not self.state.is_user_speaking:
            self.preemptive.drop()  # the user said nothing that calls for a response
            if self.playback_queue.last is not None:
                self.deadlines.expect_user(self.playback_queue.last)

    def fail_awaiting(self, item_id: str, failure: Failure) -> None:
        """Fail the response that waits for the transcript of this item, since that has failed."""
        response = self.response
        if response is not None and response.phase is Phase.WAITING and item_id in response.awaits:
            self.fail(failure)
        self.out_of_band.fail_awaiting(item_id, failure)

    def _generate(self, response: Response) -> None:
        if not has_question(self.state, response):
            # A response that was begun before it was known whether there are words is dropped silently.
            return self.cancel("turn_detected") if response.is_early else self.fail(NO_SPEECH)
        self.preemptive.drop()  # a draft has an id of its own, and this response was announced already
        response.stamp("transcript", self.state.now)
        if failure := self.builder.generate(response):
            self.fail(failure)
        return None

    # What the engines bring. Results for any response but the running one are stale.

    def find_running(self, response_id: str) -> Response | None:
        """Return the running response if it has this id, else None."""
        return self.response if self.response is not None and self.response.id == response_id else None

    def is_awaiting(self, response_id: str) -> bool:
        """Return whether results for this response are still wanted."""
        is_ours = self.find_running(response_id) is not None or self.preemptive.is_drafting(response_id)
        return is_ours or self.out_of_band.is_awaiting(response_id)

    def receive(self, event: GenerationEvent) -> None:
        """Take what an engine brings for a response, a draft or an out-of-band response."""
        if self.find_running(event.response_id) is None and self.out_of_band.is_awaiting(event.response_id):
            return self.out_of_band.receive(event)
        if isinstance(event, engine_events.SpeechAudio):
            self.preemptive.note_first_sound(event.response_id)
        if self.preemptive.is_drafting(event.response_id):
            return self.preemptive.receive(event)
        is_held = self.response is not None and self.response.hold_event(event, self.state.now)
        return None if is_held else self._take(event, self.state.now)

    def _take(self, event: GenerationEvent, at: float) -> None:
        """Build the response with an event that happened at `at`, which may have been before the endpoint."""
        if self.response is None:
            raise IllegalTransitionError("an engine's result without a response")
        if isinstance(event, engine_events.GenerationFailed):
            return self.fail(event.failure)
        was_silent, had_sounded = self.response.playback.started_at is None, self.response.has_sounded
        if failure := self.builder.receive(self.response, event, at):
            return self.fail(failure)
        if was_silent and self.response.playback.started_at is not None:  # it is played after what still sounds
            self.response.playback.started_at = max(self.state.now, self.playback_queue.ends_at)
        if self.response.is_spoken:
            reason = self.response.reason
            self._end(self.response, "incomplete" if reason else "completed", reason)
        elif isinstance(event, engine_events.ToolCallDone) or self.response.has_sounded is not had_sounded:
            self.deadlines.watch(self.response)
        return None

    # What holds a response back, and lets it go on.

    def pause(self) -> None:
        """Stop playback, and send nothing more of the response for now."""
        self.playback_queue.pause()
        self.hold_back()

    @property
    def is_held_back(self) -> bool:
        """Return whether what the engines bring is kept instead of being sent."""
        return self.response is not None and self.response.held is not None

    def hold_back(self) -> bool:
        """Keep what the engines bring instead of sending it, and return whether this is new."""
        if self.response is None or self.is_held_back:
            return False
        self.response.held = []
        return True

    def release_held(self) -> None:
        """Send what was held back."""
        if self.response is not None:
            self._replay(self.response.release_held())

    # What ends a response.

    def interrupt(self) -> None:
        """Cancel the response since the user speaks, and cut what a client is still playing."""
        self.playback_queue.cut()
        response = self.response
        if response is None:
            return
        is_silent = response.playback.started_at is None or response.playback.started_at > self.state.now
        if is_silent and self.state.turn_detection.create_response:
            # The user has heard nothing of the answer, so the next response answers both utterances.
            self.asked_at = response.endpoint_at
        self.cancel("turn_detected")

    def cancel(self, reason: str) -> None:
        """End the response as cancelled; `reason` is turn_detected or client_cancelled."""
        response = self.response
        if response is None:
            raise IllegalTransitionError("cancel without a response")
        self.state.do(commands.Abort(response.id))
        self._end(response, "cancelled", reason)

    def fail(self, failure: Failure) -> None:
        """End the response as failed."""
        response = self.response
        if response is None:
            raise IllegalTransitionError("failure without a response")
        self.state.do(commands.Abort(response.id))
        response.item.error_code, response.item.error_message = failure.code, failure.message
        self._end(response, "failed", failure)

    def _end(self, response: Response, status: ResponseStatus, reason: Failure | str | None) -> None:
        close_response(self.state, self.builder.tool_calls, response, status, reason)
        if status == "cancelled" and response.options.is_audio and response.is_open and response.item.heard_ms is None:
            self.playback_queue.cut_response(response)  # before the next response begins, which has it in its context
        self.playback_queue.running = response.held = None
        self.playback_queue.add(response)
        self.deadlines.end(response)
        self.settle()

    def leave(self, *, vanished: bool) -> None:
        """End everything, since the client is gone.

        A client that `vanished` could not say what it had played, so the server's estimate is stored.
        """
        self.asked_at = None
        self.preemptive.drop()
        self.out_of_band.leave()
        if vanished:
            self.playback_queue.cut()
        if self.response is not None:
            self.cancel("client_cancelled")

    # Deadlines.

    def check_progress(self) -> None:
        """Fail the response if it is overdue. While it is held back its time does not run."""
        if self.response is None:
            return
        if self.is_held_back:
            self.deadlines.postpone(self.response)
        if failure := self.deadlines.find_overdue(self.response):
            self.fail(failure)
