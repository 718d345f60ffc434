"""What the engines bring of a response becomes its events, its clauses and its item."""

from conversations.realtime import actions as do
from conversations.realtime.core import Core
from conversations.realtime.errors import Failure, IllegalTransitionError
from conversations.realtime.response import Phase, Response

Produced = do.ReplyText | do.ReplyDone | do.SpeechAudio | do.SpeechDone


class Producing:
    def __init__(self, core: Core) -> None:
        self.core = core

    def take(self, response: Response, event: Produced, at: float) -> Failure | None:
        """`at`: when it happened. Returns why the response must fail, if it must."""
        match event:
            case do.ReplyText(text=text):
                return self._text(response, text, at)
            case do.ReplyDone():
                return self._text_done(response, event, at)
            case do.SpeechAudio(index=index, pcm=pcm):
                self._audio(response, index, pcm)
            case do.SpeechDone(index=index):
                self._clause_done(response, index)
        return None

    def _text(self, response: Response, text: str, at: float) -> Failure | None:
        if response.phase is not Phase.GENERATING:
            raise IllegalTransitionError(f"words in phase {response.phase}")
        if len(response.item.text) + len(text) > self.core.limits.max_text_chars:
            return Failure("engine_rejected", "The language model wrote without an end. Try again.")
        response.stamp("first_token", at)
        response.item.text += text
        if not response.is_open:
            self.core.log.insert(response.item)
            self.core.save(response.item)
            response.open(self.core.log.before(response.item))
        if response.options.is_audio:
            self._speak(response, response.script.feed(text), at)
        else:
            response.send_text(text)
        return None

    def _speak(self, response: Response, clauses: list[do.Speak], at: float) -> None:
        for clause in clauses:
            response.stamp("first_clause", at)
            response.item.usage.tts_characters += len(clause.text)
            if clause.index >= response.spoken_ahead:
                self.core.do(clause)
            self.core.save(response.item, in_background=True)

    def _text_done(self, response: Response, done: do.ReplyDone, at: float) -> Failure | None:
        if response.phase is not Phase.GENERATING:
            raise IllegalTransitionError(f"end of words in phase {response.phase}")
        used = response.item.usage
        used.input_tokens, used.output_tokens = done.input_tokens, done.output_tokens
        used.cached_tokens = done.cached_tokens
        if done.reason != "stop":
            reason = "max_output_tokens" if done.reason == "length" else done.reason
            response.status_details = {"type": "incomplete", "reason": reason}
        elif not response.item.text.strip():
            return Failure("empty_response", "The language model returned no words. Try again.")
        response.phase = Phase.SPEAKING
        if response.options.is_audio:
            self._speak(response, response.script.flush(), at)
        self.core.do(do.EndSpeech(response.id))
        return None

    def _audio(self, response: Response, index: int, pcm: bytes) -> None:
        if index != response.finished:
            raise IllegalTransitionError(f"audio of clause {index} while {response.finished} is due")
        # Not when it came, which may have been ahead of the endpoint: when it leaves.
        response.stamp("first_audio", self.core.now)
        if response.audio_started_at is None:
            response.audio_started_at = self.core.now
        self.core.audio_sent = True
        response.send_audio(index, pcm)
        self.core.do(do.Keep(response.id, pcm))

    def _clause_done(self, response: Response, index: int) -> None:
        response.progress_at = self.core.now
        response.reach_clause(index)
        response.finished += 1
