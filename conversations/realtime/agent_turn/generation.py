"""What the engines bring of a response becomes its events, its clauses, its calls and its items."""

from dataclasses import replace

from conversations.pcm import SAMPLE_RATE, samples_in
from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.fillers import choose_filler
from conversations.realtime.agent_turn.response import Phase, Response
from conversations.realtime.agent_turn.tool_calls import ToolCalls
from conversations.realtime.protocol import response_options as made
from conversations.realtime.protocol.errors import Failure, IllegalTransitionError, ProtocolError
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.state import Core

Produced = (
    engine_events.TextDelta
    | engine_events.TextWithdrawn
    | engine_events.Thinking
    | engine_events.ToolCallDelta
    | engine_events.GenerationDone
    | engine_events.ToolCallDone
    | engine_events.SpeechAudio
    | engine_events.SpeechDone
    | engine_events.FillerReady
)
FILLER_SEC = 1.0  # of a tool that runs, in silence
SAVE_SEC = 1.0  # between two saves of a reply in text
MAX_ROUNDS = 8  # of the model in one response; in the last it may call nothing more


def has_question(core: Core, response: Response) -> bool:
    """Return whether there is something to answer: not where a response waited for words, and none were said."""
    if not response.awaits or response.options.input is not None:
        return True
    said = [item for item in core.log if item.type != "message" or item.context_text.strip()]
    return bool(said) and (said[-1].role in ("user", "system") or said[-1].type == "function_call_output")


class ResponseBuilder:
    def __init__(self, core: Core) -> None:
        self.core = core
        self.tool_calls = ToolCalls(core)

    def ask(self, response: Response) -> Failure | None:
        """Asks the model, for the first time or with what the tools brought."""
        options = response.options
        try:
            messages = made.choose_context(self.core, options, response.outputs)
        except ProtocolError as error:
            return Failure(error.code, error.message)
        response.phase = Phase.GENERATING
        choice = options.tool_choice
        if response.rounds > 1:  # one that must call would do so for ever
            choice = "auto" if response.rounds < MAX_ROUNDS else "none"
        due_at = None if response.has_sounded or response.is_out_of_band else response.due_at
        asked = (messages, options.max_tokens, options.tools, choice)
        self.core.do(commands.Generate(response.id, *asked, due_at=due_at))
        return None

    def take(self, response: Response, event: Produced, at: float) -> Failure | None:
        """`at`: when it happened. Returns why the response must fail, if it must."""
        match event:
            case engine_events.TextDelta(text=text):
                return self._text(response, text, at)
            case engine_events.TextWithdrawn():
                self._withdraw(response)
            case engine_events.Thinking():
                self._think(response)
            case engine_events.ToolCallDelta():
                response.thinking.end()
                response.stamp("first_token", at)
                return self.tool_calls.piece(response, event)
            case engine_events.GenerationDone():
                return self._text_done(response, event, at)
            case engine_events.ToolCallDone():
                return self._tool_done(response, event)
            case engine_events.SpeechAudio(index=index, pcm=pcm):
                self._audio(response, index, pcm)
            case engine_events.SpeechDone(index=index):
                self._clause_done(response, index)
            case engine_events.FillerReady(pcm=pcm):
                self._filled(response, pcm)
        return None

    # Words.

    def _text(self, response: Response, text: str, at: float) -> Failure | None:
        if response.phase is not Phase.GENERATING:
            raise IllegalTransitionError(f"words in phase {response.phase}")
        if len(response.item.text) + len(text) > self.core.limits.max_text_chars:
            return Failure("engine_rejected", "The language model wrote without an end. Try again.")
        response.thinking.end()
        response.stamp("first_token", at)
        self._say(response, text, at)
        return None

    def _withdraw(self, response: Response) -> None:
        """Whoever heard the beginning of a thought has heard it; nothing more of it is said, stored or remembered."""
        response.item.text = response.item.sent_text or ""
        response.is_new_round = True
        if response.options.is_audio:
            reached = response.reached
            response.script.drop(reached)
            response.spoken_ahead = min(response.spoken_ahead, reached)
            response.lag.owe(self.core.now, is_owed=response.is_owed)
            self.core.do(commands.DropClauses(response.id, reached))

    def _think(self, response: Response) -> None:
        """It is progress for as long as it may think; the budget stands still."""
        if moved_sec := response.thinking.goes_on(self.core.now):
            response.progress_at = self.core.now
            response.due_at += moved_sec

    def _say(self, response: Response, text: str, at: float) -> None:
        before = response.item.text[-1:]
        if response.is_new_round and before and not (before.isspace() or text[:1].isspace()):
            text = f" {text}"
        response.is_new_round = False
        response.item.text += text
        if not response.is_open:
            response.open(self._insert(response, response.item))
        if response.options.is_audio:
            self._speak(response, response.script.feed(text), at)
        else:
            response.has_sounded = True
            response.send_text(text)
            if at - response.saved_at >= SAVE_SEC:
                self._save_told(response)

    def _save_told(self, response: Response) -> None:
        """What was told by now: should the server be killed, that is what a later session remembers."""
        response.saved_at = self.core.now
        if not response.is_out_of_band:
            self.core.save(response.item, in_background=True)

    def _insert(self, response: Response, item: LiveItem) -> str | None:
        if response.is_out_of_band:
            return None
        self.core.log.insert(item)
        self.core.save(item)
        return self.core.log.before(item)

    def _speak(self, response: Response, clauses: list[commands.SpeakClause], at: float) -> None:
        for clause in clauses:
            response.stamp("first_clause", at)
            response.item.usage.tts_characters += len(clause.text)
            if clause.index >= response.spoken_ahead:
                is_first = clause.index == 0 and not (response.has_sounded or response.is_out_of_band)
                self.core.do(replace(clause, due_at=response.due_at if is_first else None))
        response.lag.owe(self.core.now, is_owed=response.is_owed)

    def _text_done(self, response: Response, done: engine_events.GenerationDone, at: float) -> Failure | None:
        if response.phase is not Phase.GENERATING:
            raise IllegalTransitionError(f"end of words in phase {response.phase}")
        response.thinking.end()
        used = response.item.usage
        used.input_tokens += done.input_tokens
        used.output_tokens += done.output_tokens
        used.cached_tokens += done.cached_tokens
        if response.options.is_audio:
            self._speak(response, response.script.flush(), at)
        has_called = self.tool_calls.end(response, is_whole=done.reason == "stop")
        if done.reason != "stop":
            reason = "max_output_tokens" if done.reason == "length" else done.reason
            response.status_details = {"type": "incomplete", "reason": reason}
        elif not has_called and (response.is_new_round or not response.item.text.strip()):
            return Failure("empty_response", "The language model returned no words. Try again.")
        return self._go_on(response)

    def _go_on(self, response: Response) -> Failure | None:
        """After the model's words, or its tools: waits for those, asks it again, or lets the speech end."""
        if response.running:
            response.phase, response.called_at = Phase.CALLING, response.called_at or self.core.now
            if response.options.is_audio and not response.is_out_of_band:
                self.core.set_deadline("filler", self.core.now + FILLER_SEC)
            return None
        self.core.set_deadline("filler", None)
        if response.called_at is not None:  # the time of tools is bounded by their own limits
            response.due_at += self.core.now - response.called_at
            response.called_at = None
        # The client's calls are its to answer, and then the model sees all of them.
        if response.has_brought and not response.to_hand_over and response.status_details is None:
            response.rounds += 1
            response.has_brought, response.is_new_round = False, True
            return self.ask(response)
        response.phase = Phase.SPEAKING
        self.core.do(commands.EndSpeech(response.id))
        return None

    def _tool_done(self, response: Response, event: engine_events.ToolCallDone) -> Failure | None:
        response.progress_at = self.core.now
        if event.item_id in response.running:
            self.tool_calls.done(response, event)
        return self._go_on(response) if response.phase is Phase.CALLING else None

    def fill(self, response: Response) -> None:
        """A tool takes long: a word meanwhile, unless something is being said."""
        is_silent = response.finished == len(response.script.clauses)
        if response.phase is Phase.CALLING and is_silent and not response.has_filled:
            shown = self.core.config["audio"]["input"]["transcription"] or {}
            response.has_filled = response.is_new_round = True
            self._say(response, choose_filler(shown.get("language", "")), self.core.now)
            self._speak(response, response.script.flush(), self.core.now)

    def bridge(self, response: Response) -> None:
        """Nothing is to be heard for long: a word meanwhile, beside what the engines do."""
        if response.has_filled or response.has_sounded or not response.options.is_audio:
            return
        response.has_filled = True
        shown = self.core.config["audio"]["input"]["transcription"] or {}
        words = choose_filler(shown.get("language", ""))
        response.item.usage.tts_characters += len(words)
        self.core.do(commands.SpeakFiller(response.id, words, response.options.voice, response.options.speed))

    def _filled(self, response: Response, pcm: bytes) -> None:
        """Its sound, which is none of the reply's; not where the reply has begun to sound meanwhile."""
        if response.has_sounded or response.reached or not pcm:
            return
        if not response.is_open:
            response.open(self._insert(response, response.item))
        response.send_filler(pcm, self.core.now)
        self.core.audio_sent = True
        self.core.do(commands.KeepAudio(response.id, pcm))

    # Sound.

    def _audio(self, response: Response, index: int, pcm: bytes) -> None:
        if index != response.finished:
            raise IllegalTransitionError(f"audio of clause {index} while {response.finished} is due")
        # Not when it came, which may have been ahead of the endpoint: when it leaves.
        response.stamp("first_audio", self.core.now)
        response.sound_came(self.core.now, samples_in(pcm) / SAMPLE_RATE)
        response.audio_came(self.core.now)
        response.has_sounded = self.core.audio_sent = True
        response.send_audio(index, pcm)
        if not response.is_out_of_band:
            self.core.do(commands.KeepAudio(response.id, pcm))

    def _clause_done(self, response: Response, index: int) -> None:
        response.progress_at = self.core.now
        response.reach_clause(index)
        response.finished += 1
        response.sound_came(self.core.now)
        self._save_told(response)
