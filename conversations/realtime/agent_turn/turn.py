"""The agent's turn: one response at a time, from the user's endpoint to `response.done`."""

from collections.abc import Sequence
from typing import Any

from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.closing import close_response
from conversations.realtime.agent_turn.generation import ResponseBuilder, has_question
from conversations.realtime.agent_turn.held_events import HeldEvents, TimedEvents
from conversations.realtime.agent_turn.out_of_band import OutOfBandResponses
from conversations.realtime.agent_turn.playback import Playback
from conversations.realtime.agent_turn.preemptive import Draft, GenerationEvent, PreemptiveGeneration
from conversations.realtime.agent_turn.rate import TOO_MANY
from conversations.realtime.agent_turn.reminders import Reminders
from conversations.realtime.agent_turn.response import Phase, Response, ResponseStatus
from conversations.realtime.agent_turn.response_details import describe_failure
from conversations.realtime.agent_turn.thinking import ThinkingBudget
from conversations.realtime.protocol.errors import Failure, IllegalTransitionError
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.protocol.response_options import ResponseOptions, build_default_options, find_awaited
from conversations.realtime.state import Core
from conversations.realtime.user_turn.utterance import PendingTranscript

NO_SPEECH = Failure("no_speech", "No words were heard. Please say it again.")
STILL_THERE = "The user has been silent for a while. In one short sentence, ask whether they are still there."


class AgentTurn:
    """Begin, build, pause and end the responses of the conversation, and keep the rules of who speaks when."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.preemptive = PreemptiveGeneration(core)
        self.out_of_band = OutOfBandResponses(core)
        self._builder = ResponseBuilder(core)
        self._reminders = Reminders(core)
        self.playback = Playback(core)
        self.asked_at: float | None = None  # the endpoint of an utterance that is still to be answered
        self.has_asked = False  # the last response asked whether the user is still there
        self._held_events = HeldEvents()

    @property
    def response(self) -> Response | None:
        """The running response, or None."""
        return self.playback.running

    @property
    def last(self) -> Response | None:
        """The response that ended last; a client may still be playing it."""
        return self.playback.last

    # What starts a response.

    def begin(self, options: ResponseOptions) -> None:
        """Start a response. It waits while an utterance is still being transcribed."""
        self.playback.cut_paused()
        draft = None if self.core.pending else self.preemptive.take(options)
        response = self._build_response(options, draft.response_id if draft else self.core.make_id("resp"))
        self.playback.running, self.asked_at, self.has_asked = response, None, False
        self._held_events.release()
        response.awaits = find_awaited(self.core, options)
        self.core.set_deadline("idle", None)
        self._reminders.watch(response)
        self._reminders.expect_silence(response)
        response.announce()
        if not self.core.rates.try_begin(self.core.now):
            self.fail(TOO_MANY)
        elif draft is not None:
            self._release(response, draft)
        elif not self.core.pending:
            self._generate(response)

    def request_response(self, endpoint_at: float) -> None:
        """Note that an utterance calls for a response, unless a response that waits for transcripts answers it."""
        response = self.response
        if response is None or response.phase is not Phase.WAITING or response.options.input is not None:
            self.asked_at = endpoint_at

    def _build_response(self, options: ResponseOptions, response_id: str) -> Response:
        item = LiveItem(self.core.make_id("item"), role="assistant", status="in_progress", is_audio=options.is_audio)
        item.response_id, item.sent_text = response_id, ""
        response = Response(response_id, item, options, self.core.conversation_id, self.core.send)
        response.shows_timing = self.core.has_extension("playback")
        response.endpoint_at = self.asked_at
        response.stamp("endpoint", self.asked_at or self.core.now)
        response.due_at = self._reminders.compute_sound_due_at(self.asked_at)
        response.thinking = ThinkingBudget(self.core.limits.thinking_sec)
        return response

    def _release(self, response: Response, draft: Draft) -> None:
        """Send what the draft has ready, now that the endpoint is confirmed."""
        response.phase = Phase.GENERATING
        response.spoken_ahead = draft.spoken
        response.stamp("transcript", draft.began_at)
        self.core.do(commands.ReleaseSpeech(response.id))
        self._replay(draft.events)

    def _replay(self, events: TimedEvents) -> None:
        for at, event in events:
            if self.find_running(event.response_id):
                self._take(event, at)

    def settle(self) -> None:
        """Go on with what waited for a transcript, for the user's silence, or for the end of the last response."""
        if self.core.pending:
            return
        self.out_of_band.settle()
        if self.response is not None:
            if self.response.phase is Phase.WAITING:
                self._generate(self.response)
        elif self.asked_at is not None and not self.core.is_user_speaking:
            self.begin(build_default_options(self.core))
        elif not self.core.is_user_speaking:
            self.preemptive.drop()  # the user said nothing that calls for a response
            if self.last is not None:
                self._reminders.expect_user(self.last)

    def note_transcription_time(self, seconds: float) -> None:
        """Note that a transcript took so long: it counts if the client asks for a response right after it."""
        self._reminders.note_transcription_time(seconds)

    def fail_awaiting(self, item_id: str, failure: Failure) -> None:
        """Fail the response that waits for the transcript of this item, since that has failed."""
        response = self.response
        if response is not None and response.phase is Phase.WAITING and item_id in response.awaits:
            self.fail(failure)
        self.out_of_band.fail_awaiting(item_id, failure)

    def _generate(self, response: Response) -> None:
        if not has_question(self.core, response):
            # A response that was begun before it was known whether there are words is dropped silently.
            return self.cancel("turn_detected") if response.is_early else self.fail(NO_SPEECH)
        self.preemptive.drop()  # a draft has an id of its own, and this response was announced already
        response.stamp("transcript", self.core.now)
        if failure := self._builder.generate(response):
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
        if self.out_of_band.is_awaiting(event.response_id):
            return self.out_of_band.receive(event)
        if isinstance(event, engine_events.SpeechAudio):
            self.preemptive.note_first_sound(event.response_id)
        if self.preemptive.is_drafting(event.response_id):
            return self.preemptive.receive(event)
        if isinstance(event, engine_events.TextWithdrawn):
            self._held_events.withdraw_text(self.response.reached if self.response is not None else 0)
        elif self._held_events.add(event, self.core.now):
            return None
        return self._take(event, self.core.now)

    def _take(self, event: GenerationEvent, at: float) -> None:
        """Build the response with an event that happened at `at`, which may have been before the endpoint."""
        if self.response is None:
            raise IllegalTransitionError("an engine's result without a response")
        if isinstance(event, engine_events.GenerationFailed):
            return self.fail(event.failure)
        was_silent, had_sounded = self.response.audio_started_at is None, self.response.has_sounded
        if failure := self._builder.receive(self.response, event, at):
            return self.fail(failure)
        if was_silent and self.response.audio_started_at is not None:  # it is played after what still sounds
            self.response.audio_started_at = max(self.core.now, self.playback.ends_at)
        if self.response.is_spoken:
            details = self.response.status_details
            self._end(self.response, "incomplete" if details else "completed", details)
        elif isinstance(event, engine_events.ToolCallDone) or self.response.has_sounded is not had_sounded:
            self._reminders.watch(self.response)
        return None

    # What holds a response back, and lets it go on.

    def pause(self) -> None:
        """Stop playback, and send nothing more of the response for now."""
        self.playback.pause()
        self.hold_back()

    def hold_back(self) -> bool:
        """Keep what the engines bring instead of sending it, and return whether this is new."""
        if self.response is None or self._held_events.is_holding:
            return False
        self._held_events.hold()
        return True

    def release_held(self) -> None:
        """Send what was held back."""
        self._replay(self._held_events.release())

    # What ends a response.

    def interrupt(self) -> None:
        """Cancel the response since the user speaks, and cut what a client is still playing."""
        self.playback.cut()
        response = self.response
        if response is None:
            return
        is_silent = response.audio_started_at is None or response.audio_started_at > self.core.now
        if is_silent and self.core.turn_detection.create_response:
            # The user has heard nothing of the answer, so the next response answers both utterances.
            self.asked_at = response.endpoint_at
        self.cancel("turn_detected")

    def cancel(self, reason: str) -> None:
        """End the response as cancelled; `reason` is turn_detected or client_cancelled."""
        response = self.response
        if response is None:
            raise IllegalTransitionError("cancel without a response")
        self.core.do(commands.Abort(response.id))
        self._end(response, "cancelled", {"type": "cancelled", "reason": reason})

    def fail(self, failure: Failure) -> None:
        """End the response as failed."""
        response = self.response
        if response is None:
            raise IllegalTransitionError("failure without a response")
        self.core.do(commands.Abort(response.id))
        response.item.error_code, response.item.error_message = failure.code, failure.message
        self._end(response, "failed", describe_failure(failure))

    def _end(self, response: Response, status: ResponseStatus, details: dict[str, Any] | None) -> None:
        close_response(self.core, self._builder.tool_calls, response, status, details)
        if status == "cancelled" and response.options.is_audio and response.is_open and response.item.heard_ms is None:
            self._cut(response)  # before the next response begins, which has it in its context
        self.playback.running = None
        self._held_events.release()
        self.playback.add(response)
        self.core.set_deadline("response", None)
        self.core.set_deadline("silence", None)
        self._reminders.expect_user(response)
        self.settle()

    def _cut(self, response: Response) -> None:
        """Cut the response to what was played by now. A `conversation.item.truncate` of the client corrects it."""
        response.item.truncate(response.estimate_played_ms(self.core.now))
        self.core.save(response.item, in_background=True)

    def forget(self, item: LiveItem) -> None:
        """Forget the response of an item that the client deleted, so that it is not stored again."""
        self.playback.forget(item)

    def leave(self, *, vanished: bool) -> None:
        """End everything, since the client is gone.

        A client that `vanished` could not say what it had played, so the server's estimate is stored.
        """
        self.asked_at = None
        self.preemptive.drop()
        self.out_of_band.leave()
        if vanished:
            self.playback.cut()
        if self.response is not None:
            self.cancel("client_cancelled")

    # Deadlines.

    def bridge_silence(self, awaited: Sequence[PendingTranscript]) -> None:
        """Bridge a long silence after the endpoint with a filler.

        `awaited` are the utterances that are to be answered once they are transcribed; if no response is running, one
        is begun for them early, so that the filler belongs to it.
        """
        response = self.response
        if self._held_events.is_holding or self.core.is_user_speaking or self.playback.sounding_ended is not None:
            return
        if response is not None:
            self._builder.bridge_silence(response)
        elif awaited:
            self.asked_at = min(one.committed_at for one in awaited)
            self.begin(build_default_options(self.core))
            if self.response is not None:
                self.response.is_early = True
                self._builder.bridge_silence(self.response)

    def fill_tool_wait(self) -> None:
        """Say a filler while a tool takes long."""
        if self.response is not None:
            self._builder.fill_tool_wait(self.response)

    def check_progress(self) -> None:
        """Fail the response if it is overdue. While it is held back its time does not run."""
        response = self.response
        if response is None:
            return
        if self._held_events.is_holding:
            response.progress_at = self.core.now
            response.due_at = max(response.due_at, self.core.now + self.core.limits.turn_budget_sec)
        if self.core.now < self._reminders.compute_due_at(response):
            self._reminders.watch(response)
        else:
            self.fail(Failure("response_timeout", "The reply took too long. Please try again."))

    def ask_if_present(self) -> None:
        """Have the assistant ask whether the user is still there."""
        options = build_default_options(self.core)
        options.instructions = f"{options.instructions}\n\n{STILL_THERE}".strip()
        self.begin(options)
        self.has_asked = True
