"""The assistant's half of the turn machine: one response at a time, from the question to `response.done`."""

from typing import Any

from conversations.realtime import actions as do
from conversations.realtime.core import Core
from conversations.realtime.errors import Failure, IllegalTransitionError
from conversations.realtime.items import Item
from conversations.realtime.response import Options, Phase, Response, ResponseStatus, played_out_at

STILL_THERE = "The user has been silent for a while. In one short sentence, ask whether they are still there."


class Replying:
    def __init__(self, core: Core) -> None:
        self.core = core
        self.response: Response | None = None
        self.last: Response | None = None  # the latest that ended; a client may still be playing it
        self.asked_at: float | None = None  # the endpoint of an utterance that is still to be answered

    # What starts a response.

    def default_options(self) -> Options:
        config = self.core.config
        most = config["max_output_tokens"]
        output = config["audio"]["output"]
        return Options(
            instructions=config["instructions"],
            is_audio="audio" in config["output_modalities"],
            max_tokens=None if most == "inf" else most,
            voice=output["voice"],
            speed=output["speed"],
        )

    def begin(self, options: Options) -> None:
        """Starts a response; it waits while words of the user are still being transcribed."""
        item = Item(self.core.make_id("item"), role="assistant", status="in_progress", is_audio=options.is_audio)
        item.response_id = self.core.make_id("resp")
        response = Response(item.response_id, item, options, self.core.conversation_id, self.core.send)
        response.endpoint_at = self.asked_at
        response.stamp("endpoint", self.asked_at or self.core.now)
        self.response, self.asked_at = response, None
        self.core.remind("idle", None)
        self._watch(response)
        response.create()
        if not self.core.pending:
            self._generate(response)

    def settle(self) -> None:
        """Goes on with what waited for the user's words, for silence, or for the response before."""
        if self.core.pending:
            return
        if self.response is not None:
            if self.response.phase is Phase.WAITING:
                self._generate(self.response)
        elif self.asked_at is not None and not self.core.is_user_speaking:
            self.begin(self.default_options())

    def _generate(self, response: Response) -> None:
        response.phase = Phase.GENERATING
        response.stamp("transcript", self.core.now)
        messages = self.core.log.messages(response.options.instructions)
        self.core.do(do.Generate(response.id, messages, response.options.max_tokens))

    # What the engines bring. A result of any other response than the running one is stale.

    def running(self, response_id: str) -> Response | None:
        return self.response if self.response is not None and self.response.id == response_id else None

    def text(self, response: Response, text: str) -> None:
        if response.phase is not Phase.GENERATING:
            raise IllegalTransitionError(f"words in phase {response.phase}")
        if len(response.item.text) + len(text) > self.core.limits.max_text_chars:
            self.fail(Failure("engine_rejected", "The language model wrote without an end. Try again."))
            return
        response.stamp("first_token", self.core.now)
        response.item.text += text
        if not response.is_open:
            self.core.log.insert(response.item)
            self.core.save(response.item)
            response.open(self.core.log.before(response.item))
        if not response.options.is_audio:
            response.send_text(text)
        else:
            for clause in response.chunker.feed(text):
                self._speak(response, clause)

    def _speak(self, response: Response, clause: str) -> None:
        response.stamp("first_clause", self.core.now)
        index = len(response.clauses)
        response.clauses.append(clause)
        words = response.speech_text.spoken(clause)
        response.item.usage.tts_characters += len(words)
        options = response.options
        self.core.do(do.Speak(response.id, index, words, options.voice, options.speed))
        self.core.save(response.item, in_background=True)

    def text_done(self, response: Response, done: do.ReplyDone) -> None:
        if response.phase is not Phase.GENERATING:
            raise IllegalTransitionError(f"end of words in phase {response.phase}")
        used = response.item.usage
        used.input_tokens, used.output_tokens = done.input_tokens, done.output_tokens
        used.cached_tokens = done.cached_tokens
        if done.reason != "stop":
            reason = "max_output_tokens" if done.reason == "length" else done.reason
            response.status_details = {"type": "incomplete", "reason": reason}
        elif not response.item.text.strip():
            return self.fail(Failure("empty_response", "The language model returned no words. Try again."))
        response.phase = Phase.SPEAKING
        for clause in response.chunker.flush() if response.options.is_audio else []:
            self._speak(response, clause)
        self.core.do(do.EndSpeech(response.id))
        return self._complete_if_spoken(response)

    def audio(self, response: Response, index: int, pcm: bytes) -> None:
        if index != response.finished:
            raise IllegalTransitionError(f"audio of clause {index} while {response.finished} is due")
        response.stamp("first_audio", self.core.now)
        if response.audio_started_at is None:
            response.audio_started_at = self.core.now
        self.core.audio_sent = True
        response.send_audio(index, pcm)

    def clause_done(self, response: Response, index: int) -> None:
        response.progress_at = self.core.now
        response.reach_clause(index)
        response.finished += 1
        self._complete_if_spoken(response)

    def _complete_if_spoken(self, response: Response) -> None:
        if response.phase is Phase.SPEAKING and response.finished == len(response.clauses):
            self._end(response, "incomplete" if response.status_details else "completed", response.status_details)

    # What ends a response.

    def interrupt(self) -> None:
        """The user began to speak: yields, and cuts what a client may still be playing."""
        response = self.response
        if response is None:
            self._cut_last()
        elif response.audio_started_at is None and self.core.turn_detection.create_response:
            # Nothing was heard yet: the question still stands, and is answered together with what comes.
            self.asked_at = response.endpoint_at
            self.cancel("turn_detected")
        else:
            self.cancel("turn_detected")

    def cancel(self, reason: str) -> None:
        response = self.response
        if response is None:
            raise IllegalTransitionError("cancel without a response")
        self.core.do(do.Abort(response.id))
        self._end(response, "cancelled", {"type": "cancelled", "reason": reason})
        if response.options.is_audio and response.is_open and response.item.heard_ms is None:
            self._cut(response)

    def fail(self, failure: Failure) -> None:
        response = self.response
        if response is None:
            raise IllegalTransitionError("failure without a response")
        self.core.do(do.Abort(response.id))
        response.item.error_code, response.item.error_message = failure.code, failure.message
        error = {"type": "server_error", "code": failure.code, "message": failure.message}
        self._end(response, "failed", {"type": "failed", "error": error})

    def _end(self, response: Response, status: ResponseStatus, details: dict[str, Any] | None) -> None:
        response.status, response.status_details = status, details
        response.item.status = "completed" if status == "completed" else "incomplete"
        response.stamp("done", self.core.now)
        if response.is_open:
            response.settle_clauses()
            self.core.save(response.item, is_final=True)
            response.close_item(self.core.log.before(response.item))
        elif response.item.error_code:
            self.core.save(response.item, is_final=True)  # for the history: what went wrong
        response.finish()
        self.response, self.last = None, response
        self.core.remind("response", None)
        self._expect_user(response)
        self.settle()

    def _cut(self, response: Response) -> None:
        """Keeps as heard what a client in real time has played; the client's own truncate corrects it."""
        response.item.cut(response.played_ms(self.core.now))
        self.core.save(response.item, in_background=True)

    def _cut_last(self) -> None:
        last = self.last
        if last is None or not last.is_open or last.item.heard_ms is not None:
            return
        if last.played_ms(self.core.now) < last.item.audio_ms:
            self._cut(last)

    def leave(self, *, vanished: bool) -> None:
        """The client is gone. One that said goodbye could have truncated what it did not play."""
        self.asked_at = None
        if self.response is not None:
            self.cancel("client_cancelled")
        elif vanished:
            self._cut_last()

    # Deadlines.

    def _watch(self, response: Response) -> None:
        self.core.remind("response", response.progress_at + self.core.limits.response_timeout_sec)

    def response_overdue(self) -> None:
        response = self.response
        if response is None:
            return
        if self.core.now < response.progress_at + self.core.limits.response_timeout_sec:
            self._watch(response)
        else:
            self.fail(Failure("response_timeout", "The reply took too long and was given up. Try again."))

    def _expect_user(self, response: Response) -> None:
        timeout_ms = self.core.turn_detection.idle_timeout_ms
        if timeout_ms is not None and response.status == "completed":
            self.core.remind("idle", played_out_at(response, self.core.now) + timeout_ms / 1000)

    def ask_whether_there(self) -> None:
        options = self.default_options()
        options.instructions = f"{options.instructions}\n\n{STILL_THERE}".strip()
        self.begin(options)
