"""Build a response from what the engines bring: its text, its clauses, its sound, its tool calls."""

from dataclasses import replace

from conversations.pcm import SAMPLE_RATE, count_samples
from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn import response_events
from conversations.realtime.agent_turn.response import Phase, Response
from conversations.realtime.agent_turn.tool_calls import ToolCalls
from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.protocol import response_options
from conversations.realtime.protocol.errors import Failure, IllegalTransitionError, ProtocolError
from conversations.realtime.protocol.items import LiveItem

FILLER_SEC = 1.0  # a tool may run in silence for so long
SAVE_SEC = 1.0  # how often a response in text is saved while it is written
MAX_ROUNDS = 8  # how often one response may ask the model; the last time it may call no tools


def has_question(state: CascadeState, response: Response) -> bool:
    """Return whether there is something to answer: a response that waited for a transcript may find it empty."""
    if not response.awaits or response.options.input is not None:
        return True
    said = [item for item in state.log if item.type != "message" or item.context_text.strip()]
    return bool(said) and (said[-1].role in ("user", "system") or said[-1].type == "function_call_output")


class ResponseBuilder:
    """Build responses, in the conversation or out of band, from the events of the engines."""

    def __init__(self, state: CascadeState) -> None:
        self.state = state
        self.tool_calls = ToolCalls(state)

    def generate(self, response: Response) -> Failure | None:
        """Ask the model to generate, the first time or after tools ran. Return why the response must fail, or None."""
        options = response.options
        try:
            messages = response_options.choose_context(self.state, options, response.outputs)
        except ProtocolError as error:
            return Failure(error.code, error.message)
        response.phase = Phase.GENERATING
        choice = options.tool_choice
        if response.rounds > 1:  # with "required" the model would call tools for ever
            choice = "auto" if response.rounds < MAX_ROUNDS else "none"
        due_at = None if response.has_sounded or response.is_out_of_band else response.due_at
        asked = (messages, options.max_tokens, options.tools, choice)
        self.state.do(commands.Generate(response.id, *asked, due_at=due_at, is_spoken=options.is_audio))
        return None

    def receive(self, response: Response, event: engine_events.Produced, at: float) -> Failure | None:
        """Take an event of an engine, which happened at `at`. Return why the response must fail, or None."""
        match event:
            case engine_events.TextDelta(text=text):
                return self._add_text(response, text, at)
            case engine_events.TextWithdrawn():
                self._withdraw_text(response)
            case engine_events.Thinking():
                self._extend_thinking(response)
            case engine_events.ToolCallDelta():
                response.thinking.end()
                response.stamp("first_token", at)
                return self.tool_calls.add_delta(response, event)
            case engine_events.GenerationDone():
                return self._finish_text(response, event, at)
            case engine_events.ToolCallDone():
                return self._finish_tool(response, event)
            case engine_events.SpeechAudio(index=index, pcm=pcm):
                self._send_audio(response, index, pcm)
            case engine_events.SpeechDone(index=index):
                self._finish_clause(response, index)
            case engine_events.FillerReady(pcm=pcm):
                self._send_filler(response, pcm)
        return None

    # Text.

    def _add_text(self, response: Response, text: str, at: float) -> Failure | None:
        if response.phase is not Phase.GENERATING:
            raise IllegalTransitionError(f"words in phase {response.phase}")
        if len(response.item.text) + len(text) > self.state.limits.max_text_chars:
            return Failure("engine_rejected", "The language model did not stop writing. Please try again.")
        response.thinking.end()
        response.stamp("first_token", at)
        self._say(response, text, at)
        return None

    def _withdraw_text(self, response: Response) -> None:
        """Take back the text that turned out to be a thought of the model.

        What was already spoken stays; the rest is neither spoken nor stored.
        """
        response.item.text = response.item.sent_text or ""
        response.is_new_round = True
        if response.options.is_audio:
            reached = response.reached
            response.script.drop(reached)
            response.spoken_ahead = min(response.spoken_ahead, reached)
            response.lag.mark_owed(self.state.now, is_owed=response.is_owed)
            self.state.do(commands.DropClauses(response.id, reached))

    def _extend_thinking(self, response: Response) -> None:
        """Count thinking as progress, and postpone the deadline of the first sound while the model may think."""
        if moved_sec := response.thinking.extend(self.state.now):
            response.progress_at = self.state.now
            response.due_at += moved_sec

    def _say(self, response: Response, text: str, at: float) -> None:
        before = response.item.text[-1:]
        if response.is_new_round and before and not (before.isspace() or text[:1].isspace()):
            text = f" {text}"
        response.is_new_round = False
        response.item.text += text
        if not response.is_open:
            response_events.open_message(response, self._insert_item(response, response.item))
        if response.options.is_audio:
            self._speak_clauses(response, response.script.feed(text), at)
        else:
            response.has_sounded = True
            response_events.send_text(response, text)
            if at - response.saved_at >= SAVE_SEC:
                self._save_progress(response)

    def say_sentence(self, response: Response, text: str) -> None:
        """Say a whole sentence that the model has not written, as the next words of the response."""
        self._say(response, text, self.state.now)
        self._speak_clauses(response, response.script.flush(), self.state.now)

    def _save_progress(self, response: Response) -> None:
        """Save what the client was sent so far, so that a later session knows it even if the server is killed."""
        response.saved_at = self.state.now
        if not response.is_out_of_band:
            self.state.save(response.item, in_background=True)

    def _insert_item(self, response: Response, item: LiveItem) -> str | None:
        if response.is_out_of_band:
            return None
        self.state.log.insert(item)
        self.state.save(item)
        return self.state.log.get_previous_id(item)

    def _speak_clauses(self, response: Response, clauses: list[commands.SpeakClause], at: float) -> None:
        for clause in clauses:
            response.stamp("first_clause", at)
            response.item.usage.tts_characters += len(clause.text)
            if clause.index >= response.spoken_ahead:
                is_first = clause.index == 0 and not (response.has_sounded or response.is_out_of_band)
                self.state.do(replace(clause, due_at=response.due_at if is_first else None))
        response.lag.mark_owed(self.state.now, is_owed=response.is_owed)

    def _finish_text(self, response: Response, done: engine_events.GenerationDone, at: float) -> Failure | None:
        if response.phase is not Phase.GENERATING:
            raise IllegalTransitionError(f"end of words in phase {response.phase}")
        response.thinking.end()
        used = response.item.usage
        used.input_tokens += done.input_tokens
        used.output_tokens += done.output_tokens
        used.cached_tokens += done.cached_tokens
        if response.options.is_audio:
            self._speak_clauses(response, response.script.flush(), at)
        has_called = self.tool_calls.end_round(response, is_whole=done.reason == "stop")
        if done.reason != "stop":
            response.reason = "max_output_tokens" if done.reason == "length" else done.reason
        elif not has_called and (response.is_new_round or not response.item.text.strip()):
            return Failure("empty_response", "The language model returned no words. Please try again.")
        return self._continue(response)

    def _continue(self, response: Response) -> Failure | None:
        """Go on after the model's text or a tool: wait for tools, ask the model again, or let the speech end."""
        if response.running:
            response.phase, response.called_at = Phase.CALLING, response.called_at or self.state.now
            if response.options.is_audio and not response.is_out_of_band:
                self.state.set_deadline("filler", self.state.now + FILLER_SEC)
            return None
        self.state.set_deadline("filler", None)
        if response.called_at is not None:  # tools have time limits of their own
            response.due_at += self.state.now - response.called_at
            response.called_at = None
        # If the client has calls to answer, it asks for the next response, in which the model sees all outputs.
        if response.has_brought and not response.to_hand_over and response.reason is None:
            response.rounds += 1
            response.has_brought, response.is_new_round = False, True
            return self.generate(response)
        response.phase = Phase.SPEAKING
        self.state.do(commands.EndSpeech(response.id))
        return None

    def _finish_tool(self, response: Response, event: engine_events.ToolCallDone) -> Failure | None:
        response.progress_at = self.state.now
        if event.item_id in response.running:
            self.tool_calls.finish(response, event)
        return self._continue(response) if response.phase is Phase.CALLING else None

    def _send_filler(self, response: Response, pcm: bytes) -> None:
        """Send the sound of a filler, unless the response itself has begun to sound meanwhile."""
        if response.has_sounded or response.reached or not pcm:
            return
        if not response.is_open:
            response_events.open_message(response, self._insert_item(response, response.item))
        response_events.send_filler(response, pcm, self.state.now)
        self.state.has_sent_audio = True
        self.state.do(commands.KeepAudio(response.id, pcm))

    # Sound.

    def _send_audio(self, response: Response, index: int, pcm: bytes) -> None:
        if index != response.finished:
            raise IllegalTransitionError(f"audio of clause {index} while {response.finished} is due")
        # The stamp is the time it is sent: it may have come before the endpoint.
        response.stamp("first_audio", self.state.now)
        response.record_sound(self.state.now, count_samples(pcm) / SAMPLE_RATE)
        response.playback.schedule(self.state.now, response.item.audio_ms)
        response.has_sounded = self.state.has_sent_audio = True
        response_events.send_audio(response, index, pcm)
        if not response.is_out_of_band:
            self.state.do(commands.KeepAudio(response.id, pcm))

    def _finish_clause(self, response: Response, index: int) -> None:
        response.progress_at = self.state.now
        response_events.reach_clause(response, index)
        response.finished += 1
        response.record_sound(self.state.now)
        self._save_progress(response)
