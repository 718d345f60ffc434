"""The assistant's half of the turn machine: one response at a time, from the question to `response.done`."""

from collections.abc import Sequence
from math import inf
from typing import Any

from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.generation import ResponseBuilder, has_question
from conversations.realtime.agent_turn.out_of_band import OutOfBandResponses
from conversations.realtime.agent_turn.playback import Playback
from conversations.realtime.agent_turn.preemptive import Draft, GenerationEvent, PreemptiveGeneration
from conversations.realtime.agent_turn.rate import TOO_MANY
from conversations.realtime.agent_turn.reminders import Reminders
from conversations.realtime.agent_turn.response import Phase, Response, ResponseStatus, failed
from conversations.realtime.agent_turn.thinking import ThinkingBudget
from conversations.realtime.protocol.errors import Failure, IllegalTransitionError
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.protocol.response_options import ResponseOptions, default_options, find_awaited
from conversations.realtime.state import Core
from conversations.realtime.user_turn.utterance import PendingTranscript

NO_SPEECH = Failure("no_speech", "No words were heard. Please say it again.")
STILL_THERE = "The user has been silent for a while. In one short sentence, ask whether they are still there."


class AgentTurn:
    def __init__(self, core: Core) -> None:
        self.core = core
        self.preemptive = PreemptiveGeneration(core)
        self.out_of_band = OutOfBandResponses(core)
        self._builder = ResponseBuilder(core)
        self._reminders = Reminders(core)
        self.response: Response | None = None
        self.playback = Playback(core)
        self.asked_at: float | None = None  # the endpoint of an utterance that is still to be answered
        self.has_asked = False  # in the last response, whether somebody is still there
        self._held: list[tuple[float, GenerationEvent]] | None = None  # what came while the response was held back

    @property
    def last(self) -> Response | None:
        """The latest that ended; a client may still be playing it."""
        return self.playback.last

    # What starts a response.

    def begin(self, options: ResponseOptions) -> None:
        """Starts a response; it waits while words of the user are still being transcribed."""
        self.playback.cut_paused()
        draft = None if self.core.pending else self.preemptive.take(options)
        response = self._response(options, draft.response_id if draft else self.core.make_id("resp"))
        self.response, self.asked_at, self._held, self.has_asked = response, None, None, False
        response.awaits = find_awaited(self.core, options)
        self.core.set_deadline("idle", None)
        self._reminders.watch(response)
        self._reminders.expect_silence(response)
        response.create()
        if not self.core.rates.begin(self.core.now):
            self.fail(TOO_MANY)
        elif draft is not None:
            self._release(response, draft)
        elif not self.core.pending:
            self._generate(response)

    def ask(self, endpoint_at: float) -> None:
        """Words that call for a response. One that was begun meanwhile, and waits for them, answers them."""
        response = self.response
        if response is None or response.phase is not Phase.WAITING or response.options.input is not None:
            self.asked_at = endpoint_at

    def _response(self, options: ResponseOptions, response_id: str) -> Response:
        item = LiveItem(self.core.make_id("item"), role="assistant", status="in_progress", is_audio=options.is_audio)
        item.response_id, item.sent_text = response_id, ""
        response = Response(response_id, item, options, self.core.conversation_id, self.core.send)
        response.shows_timing = self.core.has("playback")
        response.endpoint_at = self.asked_at
        response.stamp("endpoint", self.asked_at or self.core.now)
        response.due_at = self._reminders.sounds_by(self.asked_at)
        response.thinking = ThinkingBudget(self.core.limits.thinking_sec)
        return response

    def _release(self, response: Response, draft: Draft) -> None:
        """The endpoint is confirmed: what was held back leaves at once."""
        response.phase = Phase.GENERATING
        response.spoken_ahead = draft.spoken
        response.stamp("transcript", draft.began_at)
        self.core.do(commands.ReleaseSpeech(response.id))
        self._replay(draft.events)

    def _replay(self, events: list[tuple[float, GenerationEvent]]) -> None:
        for at, event in events:
            if self.running(event.response_id):
                self._take(event, at)

    def settle(self) -> None:
        """Goes on with what waited for the user's words, for silence, or for the response before."""
        if self.core.pending:
            return
        self.out_of_band.settle()
        if self.response is not None:
            if self.response.phase is Phase.WAITING:
                self._generate(self.response)
        elif self.asked_at is not None and not self.core.is_user_speaking:
            self.begin(default_options(self.core))
        elif not self.core.is_user_speaking:
            self.preemptive.drop()  # no words came of it that call for a reply
            if self.last is not None:
                self._reminders.expect_user(self.last)

    def words_took(self, seconds: float) -> None:
        """To be known: so much of the turn's budget is gone, should a response be asked for at once."""
        self._reminders.words_took(seconds)

    def words_failed(self, item_id: str, failure: Failure) -> None:
        """Fail with that reason the response that waits for these words: they are what it would have answered."""
        response = self.response
        if response is not None and response.phase is Phase.WAITING and item_id in response.awaits:
            self.fail(failure)
        self.out_of_band.words_failed(item_id, failure)

    def _generate(self, response: Response) -> None:
        if not has_question(self.core, response):
            # One that was begun on the chance of words is nobody's wish.
            return self.cancel("turn_detected") if response.is_early else self.fail(NO_SPEECH)
        self.preemptive.drop()  # a draft has its own id; this response was announced before its words were known
        response.stamp("transcript", self.core.now)
        if failure := self._builder.ask(response):
            self.fail(failure)
        return None

    # What the engines bring. A result of any other response than the running one is stale.

    def running(self, response_id: str) -> Response | None:
        return self.response if self.response is not None and self.response.id == response_id else None

    def expects(self, response_id: str) -> bool:
        is_ours = self.running(response_id) is not None or self.preemptive.holds(response_id)
        return is_ours or self.out_of_band.expects(response_id)

    def receive(self, event: GenerationEvent) -> None:
        if self.out_of_band.expects(event.response_id):
            return self.out_of_band.receive(event)
        if isinstance(event, engine_events.SpeechAudio):
            self.preemptive.sound_came(event.response_id)
        if self.preemptive.holds(event.response_id):
            return self.preemptive.receive(event)
        if self._held is not None and isinstance(event, engine_events.TextWithdrawn):
            self._held = self._still_said(self._held)
        elif self._held is not None and not isinstance(event, engine_events.Thinking):
            return self._held.append((self.core.now, event))
        return self._take(event, self.core.now)

    def _still_said(self, held: list[tuple[float, GenerationEvent]]) -> list[tuple[float, GenerationEvent]]:
        """Of what is held back, where the words were a thought: the rest of the clause that has begun to sound."""
        reached = self.response.reached if self.response is not None else 0
        spoken = engine_events.SpeechAudio | engine_events.SpeechDone
        return [one for one in held if isinstance(one[1], spoken) and one[1].index < reached]

    def _take(self, event: GenerationEvent, at: float) -> None:
        """`at`: when it happened, which may have been ahead of the endpoint."""
        if self.response is None:
            raise IllegalTransitionError("an engine's result without a response")
        if isinstance(event, engine_events.GenerationFailed):
            return self.fail(event.failure)
        was_silent, had_sounded = self.response.audio_started_at is None, self.response.has_sounded
        if failure := self._builder.take(self.response, event, at):
            return self.fail(failure)
        if was_silent and self.response.audio_started_at is not None:  # it is played behind what is still played
            self.response.audio_started_at = max(self.core.now, self.playback.until)
        if self.response.is_spoken:
            details = self.response.status_details
            self._end(self.response, "incomplete" if details else "completed", details)
        elif isinstance(event, engine_events.ToolCallDone) or self.response.has_sounded is not had_sounded:
            self._reminders.watch(self.response)
        return None

    # What holds a response back, and lets it go on.

    @property
    def sounding(self) -> Response | None:
        """The response that a client in real time is playing, or is about to."""
        return self.playback.sounding or self.response

    def find(self, response_id: str) -> Response | None:
        """One that a client may be playing."""
        return self.running(response_id) or self.playback.find(response_id)

    def spoken_around(self) -> str:
        """The clauses that sounded in the last seconds."""
        heard = [self.playback.sounding, self.response]
        return "".join(one.spoken_around(self.core.now) for one in heard if one is not None)

    def left_ms(self) -> float:
        """About how long it will still sound; infinite where another response follows."""
        sounding = self.sounding
        is_last = sounding is not None and self.response in (None, sounding)
        return sounding.left_ms(self.core.now) if sounding is not None and is_last else inf

    def pause(self) -> None:
        """Playback stands: nothing leaves, and the engines run no further ahead."""
        held = {one.id: one for one in (self.sounding, self.response) if one is not None}
        self.playback.pause()
        if self.response is not None:
            self.response.pause(self.core.now)
        self.hold_back()
        for response_id in held:
            self.core.do(commands.HoldSpeech(response_id))

    def resume(self) -> None:
        """Playback goes on where it stood."""
        held = {one.id: one for one in (self.sounding, self.response) if one is not None}
        self.playback.resume()
        if self.response is not None:
            self.response.resume(self.core.now)
        for response_id in held:
            self.core.do(commands.ReleaseSpeech(response_id))

    def hold_back(self) -> bool:
        """Keeps what the engines bring; a reply that waits for the user's words waits on. Whether this is new."""
        if self.response is None or self._held is not None:
            return False
        self._held = []
        return True

    def let_go(self) -> None:
        held, self._held = self._held, None
        self._replay(held or [])

    # What ends a response.

    def interrupt(self) -> None:
        """The user began to speak: yields, and cuts what a client may still be playing."""
        self.playback.cut()
        response = self.response
        if response is None:
            return
        is_silent = response.audio_started_at is None or response.audio_started_at > self.core.now
        if is_silent and self.core.turn_detection.create_response:
            # Nothing was heard yet: the question still stands, and is answered together with what comes.
            self.asked_at = response.endpoint_at
        self.cancel("turn_detected")

    def cancel(self, reason: str) -> None:
        response = self.response
        if response is None:
            raise IllegalTransitionError("cancel without a response")
        self.core.do(commands.Abort(response.id))
        self._end(response, "cancelled", {"type": "cancelled", "reason": reason})

    def fail(self, failure: Failure) -> None:
        response = self.response
        if response is None:
            raise IllegalTransitionError("failure without a response")
        self.core.do(commands.Abort(response.id))
        response.item.error_code, response.item.error_message = failure.code, failure.message
        self._end(response, "failed", failed(failure))

    def _end(self, response: Response, status: ResponseStatus, details: dict[str, Any] | None) -> None:
        response.status, response.status_details = status, details
        response.item.status = "completed" if status == "completed" else "incomplete"
        response.stamp("done", self.core.now)
        self._builder.tool_calls.abandon(response)
        if response.is_open:
            response.settle_clauses()
            self.core.save(response.item, is_final=True)
            response.close_message(self.core.log.before(response.item))
        elif response.item.error_code:
            self.core.save(response.item, is_final=True)  # for the history: what went wrong
        elif response.outputs:
            self._builder.tool_calls.stand_in(response)
        self._builder.tool_calls.hand_over(response)
        response.finish()
        self.core.send_rates()
        if status == "cancelled" and response.options.is_audio and response.is_open and response.item.heard_ms is None:
            self._cut(response)  # before the next one is begun, whose context it is
        self.response, self._held = None, None
        self.playback.add(response)
        self.core.set_deadline("response", None)
        self.core.set_deadline("silence", None)
        self._reminders.expect_user(response)
        self.settle()

    def _cut(self, response: Response) -> None:
        """Keeps as heard what a client in real time has played; the client's own truncate corrects it."""
        response.item.cut(response.played_ms(self.core.now))
        self.core.save(response.item, in_background=True)

    def forget(self, item: LiveItem) -> None:
        """The client deleted it: what it still plays of it must not be stored anew."""
        self.playback.forget(item)

    def leave(self, *, vanished: bool) -> None:
        """The client is gone. One that said goodbye could have truncated what it did not play."""
        self.asked_at = None
        self.preemptive.drop()
        self.out_of_band.leave()
        if vanished:
            self.playback.cut()
        if self.response is not None:
            self.cancel("client_cancelled")

    # Deadlines.

    def silence_lasts(self, awaited: Sequence[PendingTranscript]) -> None:
        """Nothing was heard for long behind the endpoint. `awaited`: utterances that are to be answered."""
        response = self.response
        if self._held is not None or self.core.is_user_speaking or self.playback.sounding is not None:
            return
        if response is not None:
            self._builder.bridge(response)
        elif awaited:
            self.asked_at = min(one.committed_at for one in awaited)
            self.begin(default_options(self.core))
            if self.response is not None:
                self.response.is_early = True
                self._builder.bridge(self.response)

    def tool_takes_long(self) -> None:
        if self.response is not None:
            self._builder.fill(self.response)

    def response_overdue(self) -> None:
        response = self.response
        if response is None:
            return
        if self._held is not None:
            response.progress_at = self.core.now
            response.due_at = max(response.due_at, self.core.now + self.core.limits.turn_budget_sec)
        if self.core.now < self._reminders.due(response):
            self._reminders.watch(response)
        else:
            self.fail(Failure("response_timeout", "The reply took too long and was given up. Try again."))

    def ask_whether_there(self) -> None:
        options = default_options(self.core)
        options.instructions = f"{options.instructions}\n\n{STILL_THERE}".strip()
        self.begin(options)
        self.has_asked = True
