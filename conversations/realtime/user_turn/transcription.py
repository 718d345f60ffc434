"""The words of what the user says: asked for, shown as they come, and answered when they are whole."""

from collections.abc import Callable
from math import inf

from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.turn import AgentTurn
from conversations.realtime.protocol.errors import Failure, ProtocolError
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.state import Core
from conversations.realtime.user_turn.backchannel import is_hallucination
from conversations.realtime.user_turn.interruption import Interruption
from conversations.realtime.user_turn.transcript_filter import spoken_words
from conversations.realtime.user_turn.utterance import PendingTranscript, Utterance

EVENT = "conversation.item.input_audio_transcription"
MOST_CHARS = 10_000  # of an utterance, which is two minutes long at most; each partial transcript is compared whole
NO_SOUND = "sound_not_stored"  # the code of a try that found none
AHEAD_SEC = 0.1  # of the response's own deadline: what was late is told as the reason
LITTLE_SPEECH_WINDOWS = 12  # 0.4 s: what speech to text makes of noise is only looked for in so little


class Transcription:
    def __init__(self, core: Core, agent_turn: AgentTurn, interruption: Interruption) -> None:
        self.core = core
        self.agent_turn = agent_turn
        self.interruption = interruption
        self.utterance: Utterance | None = None  # the one being spoken
        self.dictated: Utterance | None = None  # what came since the last commit, where the client commits
        self.to_answer: set[str] = set()  # items whose words call for a response
        self.on_words: Callable[[], None] = lambda: None  # more is known of the utterance being spoken

    # Asking.

    def check_pending(self) -> None:
        """Raises ProtocolError if no further words may be asked for now."""
        if len(self.core.pending) >= self.core.limits.max_pending:
            most = self.core.limits.max_pending
            message = f"{most} utterances still wait for their words, the most. Try again in a moment."
            raise ProtocolError("too_many_pending_transcripts", message)

    def ask(self, utterance: Utterance, pcm: bytes, due_at: float | None = None) -> None:
        """The words so far."""
        utterance.revision += 1
        self._ask(utterance.item_id, utterance.revision, pcm, due_at)

    def _ask(self, item_id: str, revision: int, pcm: bytes | None, due_at: float | None) -> None:
        self.core.do(commands.Transcribe(item_id, revision, pcm, *self.hints(), due_at))

    def retry(self, item: LiveItem) -> None:
        """Ask once more, for the sound that is stored. The words are answered as ever, unless the talk has gone on."""
        if item.id in self.core.pending or not self._may_retry(item):
            message = "Only an utterance that speech to text failed at, and whose sound is stored, can be tried again."
            raise ProtocolError("invalid_value", message, "item_id")
        self.check_pending()
        detection = self.core.turn_detection
        respond = detection.is_on and detection.create_response and self.core.log.ends_with(item)
        self.await_item(item, None, respond=respond)

    def _may_retry(self, item: LiveItem) -> bool:
        is_spoken = item.role == "user" and item.is_audio and item.audio_samples > 0
        return is_spoken and self.core.keeps_sound and item.error_code not in ("", NO_SOUND)

    def hints(self) -> tuple[str, str]:
        """The language and the prompt that the session names."""
        shown = self.core.config["audio"]["input"]["transcription"] or {}
        return shown.get("language", ""), shown.get("prompt", "")

    def await_item(
        self,
        item: LiveItem,
        pcm: bytes | None,
        utterance: Utterance | None = None,
        *,
        respond: bool,
        is_known: bool = False,
    ) -> None:
        """A committed item: its words are asked for, unless they were in the last pause or are known (see `settle`)."""
        limits, now = self.core.limits, self.core.now
        due_at = None
        if respond:
            self.to_answer.add(item.id)
            due_at = now + limits.turn_budget_sec
            if limits.filler_sec is not None:
                self.core.set_deadline("silence", now + limits.filler_sec)
        if utterance is None:
            self._ask(item.id, 0, pcm, due_at)
        elif not utterance.is_asked and not is_known and pcm is not None:
            self.ask(utterance, pcm, due_at)
        self.core.pending[item.id] = PendingTranscript(now, utterance)
        self.core.set_deadline(
            "transcript", min(now + limits.transcript_timeout_sec, (due_at or inf) - AHEAD_SEC), of=item.id
        )

    @property
    def answered(self) -> list[PendingTranscript]:
        """Utterances that are awaited, and that a response will follow; not those that began over a reply."""
        awaited = [self.core.pending[item_id] for item_id in self.to_answer & self.core.pending.keys()]
        return [one for one in awaited if one.utterance is None or one.utterance.said_over is None]

    # Hearing.

    def expects(self, item_id: str) -> bool:
        return item_id in self.core.pending or any(
            utterance is not None and utterance.item_id == item_id for utterance in (self.utterance, self.dictated)
        )

    def partial(self, event: engine_events.PartialTranscript) -> None:
        words = spoken_words(event.text[:MOST_CHARS], is_partial=True)
        if self.dictated is not None and self.dictated.item_id == event.item_id:
            return self._dictate(self.dictated, words)
        utterance = self._spoken(event.item_id)
        if utterance is None:
            return None
        utterance.partial = words
        self.interruption.judge_words(utterance, words, is_over=False)
        if event.item_id in self.core.pending:
            return None
        if self.core.has("captions"):
            self._caption(utterance)
        return self.on_words()

    def _dictate(self, utterance: Utterance, words: str) -> None:
        """The client says when it has ended, so that its words decide nothing before."""
        utterance.partial = words
        if self.core.has("captions"):
            self._caption(utterance)

    def _spoken(self, item_id: str) -> Utterance | None:
        if self.utterance is not None and self.utterance.item_id == item_id:
            return self.utterance
        pending = self.core.pending.get(item_id)
        return pending.utterance if pending else None

    def _caption(self, utterance: Utterance) -> None:
        """Tells what has come since; a word that was changed meanwhile stands right in `completed`."""
        if self._is_silent or not utterance.partial.startswith(utterance.captioned):
            return
        delta = utterance.partial[len(utterance.captioned) :]
        utterance.captioned = utterance.partial
        if delta:
            self.core.send(f"{EVENT}.delta", item_id=utterance.item_id, content_index=0, delta=delta)

    @property
    def _is_silent(self) -> bool:
        return self.core.config["audio"]["input"]["transcription"] is None

    def ready(self, event: engine_events.TranscriptReady) -> None:
        utterance = self._spoken(event.item_id)
        pending = self.core.pending.get(event.item_id)
        if utterance is not None:
            utterance.usage.stt_seconds += event.seconds
            if event.revision != utterance.revision:
                return  # of an earlier pause
        if pending is None:
            if utterance is not None:
                self._so_far(utterance, event.text)
            return
        usage_seconds = utterance.usage.stt_seconds if utterance else event.seconds
        self.settle(event.item_id, event.text, usage_seconds)

    def _so_far(self, utterance: Utterance, text: str) -> None:
        text = self._plausible(utterance, text)
        if utterance.is_asked:
            utterance.words = text
        self.interruption.judge_words(utterance, text, is_over=utterance.is_asked)
        self.on_words()

    def _plausible(self, utterance: Utterance | None, text: str) -> str:
        text = spoken_words(text[:MOST_CHARS])
        is_short = utterance is not None and utterance.speech_windows < LITTLE_SPEECH_WINDOWS
        return "" if is_short and is_hallucination(text) else text

    # Committed.

    def settle(self, item_id: str, text: str, seconds: float) -> None:
        """The words of a committed item are known."""
        utterance = self.core.pending[item_id].utterance
        text = self._plausible(utterance, text)
        if utterance is not None:  # pending still: a reply that it ends must not be begun anew without these words
            text = self.interruption.judge_words(utterance, text, is_over=True)
        pending, item = self._close(item_id)
        self.agent_turn.note_transcription_time(self.core.now - pending.committed_at)
        if item is not None:
            item.text, item.usage.stt_seconds = text, seconds
            item.error_code = item.error_message = ""
            self.core.save(item)
            if not self._is_silent:
                if utterance is not None and utterance.partial and text.startswith(utterance.partial):
                    utterance.partial = text
                    self._caption(utterance)
                usage = {"type": "duration", "seconds": seconds}
                self.core.send(f"{EVENT}.completed", item_id=item_id, content_index=0, transcript=text, usage=usage)
            if item_id in self.to_answer and text and not (utterance and utterance.is_out_of_band):
                self.agent_turn.request_response(pending.committed_at)
        self.to_answer.discard(item_id)
        self.agent_turn.settle()

    def failed(self, event: engine_events.TranscriptFailed) -> None:
        utterance = self._spoken(event.item_id)
        if utterance is not None and event.revision != utterance.revision:
            return
        if event.item_id in self.core.pending:
            self._fail(event.item_id, event.failure)
        elif utterance is not None:
            # Asked once more in the next pause or at the endpoint, and said then if it fails again.
            utterance.has_failed, utterance.is_asked = utterance.is_asked, False

    def _fail(self, item_id: str, failure: Failure) -> None:
        _, item = self._close(item_id)
        self.to_answer.discard(item_id)
        if item is not None:
            item.error_code, item.error_message = failure.code, failure.message
            self.core.save(item)
            error = {"type": "server_error", "code": failure.code, "message": failure.message}
            offer = {"can_retry": True} if self.core.has("retry") and self._may_retry(item) else {}
            self.core.send(f"{EVENT}.failed", item_id=item_id, content_index=0, error=error, **offer)
            self.agent_turn.fail_awaiting(item_id, failure)
        self.interruption.resume()
        self.agent_turn.settle()

    def _close(self, item_id: str) -> tuple[PendingTranscript, LiveItem | None]:
        pending = self.core.pending.pop(item_id)
        self.core.set_deadline("transcript", None, of=item_id)
        item = self.core.log.get(item_id)  # None: the client deleted it meanwhile
        if item is not None:
            item.is_transcribed = True
        return pending, item

    def overdue(self, item_id: str) -> None:
        self.core.do(commands.Abort(item_id))
        self._fail(item_id, Failure("engine_timeout", "Speech to text took too long. Please say it again."))
