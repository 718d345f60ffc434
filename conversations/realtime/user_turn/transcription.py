"""The transcripts of what the user says: request them, send them as captions, and answer them when they are final."""

from collections.abc import Callable
from math import inf

from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.turn import AgentTurn
from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.protocol.errors import Failure, ProtocolError, build_too_many_transcripts_error
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.user_turn.backchannel import is_hallucination
from conversations.realtime.user_turn.captions import Captions
from conversations.realtime.user_turn.interruption import Interruption
from conversations.realtime.user_turn.transcript_filter import extract_spoken_words
from conversations.realtime.user_turn.utterance import PendingTranscript, Utterance

MAX_CHARS = 10_000  # of an utterance, which is two minutes long at most; each partial transcript is compared whole
NO_SOUND = "sound_not_stored"  # the code of a try that found none
MARGIN_SEC = 0.1  # of the response's own deadline: what was late is told as the reason
LITTLE_SPEECH_WINDOWS = 12  # 0.4 s: what speech to text makes of noise is only looked for in so little


class Transcription:
    """Request transcripts, send captions, and pass final transcripts to the agent's turn."""

    def __init__(self, state: CascadeState, agent_turn: AgentTurn, interruption: Interruption) -> None:
        self.state = state
        self.agent_turn = agent_turn
        self.interruption = interruption
        self._captions = Captions(state)
        self.utterance: Utterance | None = None  # the one being spoken
        self.dictated: Utterance | None = None  # what came since the last commit, where the client commits
        self.to_answer: set[str] = set()  # items whose words call for a response
        self.on_words_changed: Callable[[], None] = lambda: None  # more is known of the utterance being spoken

    @property
    def is_dictating(self) -> bool:
        """Return whether there is speech that the client has not committed."""
        return self.dictated is not None and self.dictated.speech_windows > 0

    def drop(self, utterance: Utterance | None) -> None:
        """Drop an utterance, dictated or spoken, that becomes no item."""
        if utterance is not None:
            self.state.do(commands.DropUserAudio(utterance.item_id))
        self.dictated = None

    # Asking.

    def check_pending(self) -> None:
        """Raise ProtocolError if too many transcripts are awaited to request another one."""
        if len(self.state.pending) >= self.state.limits.max_pending:
            raise build_too_many_transcripts_error(self.state.limits.max_pending)

    def request(self, utterance: Utterance, pcm: bytes, due_at: float | None = None) -> None:
        """Request the transcript of an utterance as far as it has come. `due_at` is when the turn needs the answer."""
        utterance.revision += 1
        self._request(utterance.item_id, utterance.revision, pcm, due_at)

    def _request(self, item_id: str, revision: int, pcm: bytes | None, due_at: float | None) -> None:
        self.state.do(commands.Transcribe(item_id, revision, pcm, *self.get_hints(), due_at))

    def retry(self, item: LiveItem) -> None:
        """Request the transcript again for the stored audio of an item. Raise ProtocolError if that is not possible.

        The transcript is answered as usual, unless the conversation has gone on.
        """
        if item.id in self.state.pending or not self._is_retryable(item):
            message = "Only an utterance that speech to text failed at, and whose sound is stored, can be tried again."
            raise ProtocolError("invalid_value", message, "item_id")
        self.check_pending()
        detection = self.state.turn_detection
        respond = detection.is_on and detection.create_response and self.state.log.is_last_message(item)
        self.await_item(item, None, respond=respond)

    def offer_retry(self) -> None:
        """Tell the client if the last message is an utterance of an earlier session that can be tried again."""
        item = next(reversed(self.state.log.context_items), None)
        if item is not None and item.id not in self.state.pending and self._is_retryable(item):
            self._captions.fail(item.id, Failure(item.error_code, item.error_message), can_retry=True)

    def _is_retryable(self, item: LiveItem) -> bool:
        """Return whether speech to text failed at this item and its audio is stored."""
        is_spoken = item.role == "user" and item.is_audio and item.audio_samples > 0
        return is_spoken and self.state.is_audio_stored and item.error_code not in ("", NO_SOUND)

    def get_hints(self) -> tuple[str, str]:
        """Return the language and the prompt that the session names; "" for what it does not."""
        asked = self.state.config.input.transcription
        return ("", "") if asked is None else (asked.language or "", asked.prompt or "")

    def await_item(
        self,
        item: LiveItem,
        pcm: bytes | None,
        utterance: Utterance | None = None,
        *,
        respond: bool,
        is_known: bool = False,
    ) -> None:
        """Wait for the words of a committed item, and request them unless they are known or already requested.

        `pcm` is the item's audio, or None where it is stored. `respond` says that a response follows the words.
        `is_known` says that the caller will give the words to `settle_item` itself.
        """
        limits, now = self.state.limits, self.state.now
        due_at = None
        if respond:
            self.to_answer.add(item.id)
            due_at = now + limits.turn_budget_sec
            if limits.filler_sec is not None:
                self.state.set_deadline("silence", now + limits.filler_sec)
        if utterance is None:
            self._request(item.id, 0, pcm, due_at)
        elif not utterance.is_requested and not is_known and pcm is not None:
            self.request(utterance, pcm, due_at)
        self.state.pending[item.id] = PendingTranscript(now, utterance)
        self.state.set_deadline(
            "transcript", min(now + limits.transcript_timeout_sec, (due_at or inf) - MARGIN_SEC), of=item.id
        )

    @property
    def pending_answers(self) -> list[PendingTranscript]:
        """Return the awaited utterances that a response will follow, without those that began over a reply."""
        awaited = [self.state.pending[item_id] for item_id in self.to_answer & self.state.pending.keys()]
        return [one for one in awaited if one.utterance is None or one.utterance.spoken_over is None]

    # Hearing.

    def is_awaiting(self, item_id: str) -> bool:
        """Return whether a transcript of this item is still wanted."""
        return item_id in self.state.pending or any(
            utterance is not None and utterance.item_id == item_id for utterance in (self.utterance, self.dictated)
        )

    def take_partial(self, event: engine_events.PartialTranscript) -> None:
        """Send a caption, and judge whether the words so far interrupt the reply or end the utterance."""
        words = extract_spoken_words(event.text[:MAX_CHARS], is_partial=True)
        if self.dictated is not None and self.dictated.item_id == event.item_id:
            return self._take_dictated(self.dictated, words)
        utterance = self._find_utterance(event.item_id)
        if utterance is None:
            return None
        utterance.partial = words
        self.interruption.judge_words(utterance, words, is_over=False)
        if event.item_id in self.state.pending:
            return None
        self._captions.send_partial(utterance)
        return self.on_words_changed()

    def _take_dictated(self, utterance: Utterance, words: str) -> None:
        """Send a caption of an utterance that the client itself will commit: its words decide nothing before."""
        utterance.partial = words
        self._captions.send_partial(utterance)

    def _find_utterance(self, item_id: str) -> Utterance | None:
        if self.utterance is not None and self.utterance.item_id == item_id:
            return self.utterance
        pending = self.state.pending.get(item_id)
        return pending.utterance if pending else None

    def take_transcript(self, event: engine_events.TranscriptReady) -> None:
        """Take the transcript of an utterance, in a pause or after its endpoint."""
        utterance = self._find_utterance(event.item_id)
        pending = self.state.pending.get(event.item_id)
        if utterance is not None:
            utterance.usage.stt_seconds += event.seconds
            if event.revision != utterance.revision:
                return  # of an earlier pause
        if pending is None:
            if utterance is not None:
                self._take_interim(utterance, event.text)
            return
        usage_seconds = utterance.usage.stt_seconds if utterance else event.seconds
        self.settle_item(event.item_id, event.text, usage_seconds)

    def _take_interim(self, utterance: Utterance, text: str) -> None:
        """Judge the transcript of an utterance that has not ended."""
        text = self._filter_words(utterance, text)
        if utterance.is_requested:
            utterance.words = text
        self.interruption.judge_words(utterance, text, is_over=utterance.is_requested)
        self.on_words_changed()

    def _filter_words(self, utterance: Utterance | None, text: str) -> str:
        """Return the words that somebody said, or "" for what recognisers make of noise."""
        text = extract_spoken_words(text[:MAX_CHARS])
        is_short = utterance is not None and utterance.speech_windows < LITTLE_SPEECH_WINDOWS
        return "" if is_short and is_hallucination(text) else text

    # Committed.

    def settle_item(self, item_id: str, text: str, seconds: float) -> None:
        """Store and send the transcript of a committed item, and have it answered.

        `seconds` is the length of its audio.
        """
        utterance = self.state.pending[item_id].utterance
        text = self._filter_words(utterance, text)
        if utterance is not None:  # pending still: a reply that it ends must not be begun anew without these words
            text = self.interruption.judge_words(utterance, text, is_over=True)
        pending, item = self._end_waiting(item_id)
        self.agent_turn.deadlines.note_transcription_time(self.state.now - pending.committed_at)
        if item is not None:
            item.text, item.usage.stt_seconds = text, seconds
            item.error_code = item.error_message = ""
            self.state.save(item)
            self._captions.complete(item_id, utterance, text, seconds)
            if item_id in self.to_answer and text and not (utterance and utterance.is_ignored):
                self.agent_turn.request_response(pending.committed_at)
        self.to_answer.discard(item_id)
        self.agent_turn.settle()

    def take_failure(self, event: engine_events.TranscriptFailed) -> None:
        """Request the transcript again later, or give up if the utterance has ended."""
        utterance = self._find_utterance(event.item_id)
        if utterance is not None and event.revision != utterance.revision:
            return
        if event.item_id in self.state.pending:
            self._fail_item(event.item_id, event.failure)
        elif utterance is not None:
            # Asked once more in the next pause or at the endpoint, and said then if it fails again.
            utterance.has_failed, utterance.is_requested = utterance.is_requested, False

    def _fail_item(self, item_id: str, failure: Failure) -> None:
        _, item = self._end_waiting(item_id)
        self.to_answer.discard(item_id)
        if item is not None:
            item.error_code, item.error_message = failure.code, failure.message
            self.state.save(item)
            self._captions.fail(item_id, failure, can_retry=self._is_retryable(item))
            self.agent_turn.fail_awaiting(item_id, failure)
        self.interruption.resume()
        self.agent_turn.settle()

    def _end_waiting(self, item_id: str) -> tuple[PendingTranscript, LiveItem | None]:
        """Stop waiting for the transcript of an item, and return the item; None if the client has deleted it."""
        pending = self.state.pending.pop(item_id)
        self.state.set_deadline("transcript", None, of=item_id)
        item = self.state.log.get(item_id)  # None: the client deleted it meanwhile
        if item is not None:
            item.is_transcribed = True
        return pending, item

    def time_out(self, item_id: str) -> None:
        """Give up a transcript that has taken too long."""
        self.state.do(commands.Abort(item_id))
        self._fail_item(item_id, Failure("engine_timeout", "Speech to text took too long. Please say it again."))
