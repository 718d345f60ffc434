"""The user's half of the turn machine: audio in, utterances out, and then their words."""

from dataclasses import dataclass

from conversations.realtime import actions as do
from conversations.realtime.audio import ms_of, samples_in, samples_of
from conversations.realtime.client_events import AudioAppend
from conversations.realtime.core import Core
from conversations.realtime.endpointing import WINDOW_SAMPLES, Edge, Endpointer
from conversations.realtime.errors import Failure, ProtocolError
from conversations.realtime.input_buffer import BufferFullError, InputBuffer
from conversations.realtime.items import Item
from conversations.realtime.replying import Replying

MIN_COMMIT_MS = 100
# Kept behind the pre-roll while nobody speaks: onset is decided some windows after it happened.
LOOK_BACK_MS = 500


@dataclass(frozen=True, slots=True)
class Utterance:
    item_id: str
    start: int  # position of its first sample, pre-roll included


class Listening:
    def __init__(self, core: Core, replying: Replying) -> None:
        self.core = core
        self.replying = replying
        self.buffer = InputBuffer(samples_of(core.limits.max_buffer_ms))
        self.utterance: Utterance | None = None
        self.to_answer: set[str] = set()  # items whose words call for a response
        self._split_event_id: str | None = None
        self._last_audio_at = 0.0
        self._idle_asked = False
        self.configure()

    def configure(self) -> None:
        """Takes up the session's turn detection from the next audio on; speech under way goes on."""
        detection = self.core.turn_detection
        self._endpointer = Endpointer(detection.threshold, samples_of(detection.silence_duration_ms))
        self._detected = self.buffer.received
        self._detect_from_scratch = True
        if detection.is_on and self.utterance is not None:
            self._endpointer.speaking = True
        else:
            self._set_utterance(None)

    def _set_utterance(self, utterance: Utterance | None) -> None:
        self.utterance = utterance
        self.core.is_user_speaking = utterance is not None

    # Audio.

    def append(self, event: AudioAppend) -> None:
        try:
            pcm = self.buffer.append(event.pcm)
        except BufferFullError:
            most = self.core.limits.max_buffer_ms // 1000
            message = f"The input audio buffer holds {most} s and is full. Commit or clear it."
            raise ProtocolError("input_audio_buffer_full", message, "audio", event.event_id) from None
        self._last_audio_at = self.core.now
        self._watch_half_sample(event)
        detection = self.core.turn_detection
        if not detection.is_on:
            return
        if self.utterance is None:
            self.buffer.keep_from(
                self.buffer.received - samples_of(detection.prefix_padding_ms + LOOK_BACK_MS) - len(pcm)
            )
        self.core.do(do.Detect(pcm, self._detect_from_scratch))
        self._detect_from_scratch = False

    def _watch_half_sample(self, event: AudioAppend) -> None:
        if self.buffer.is_split:
            self._split_event_id = event.event_id
            self.core.remind("half_sample", self.core.now + self.core.limits.half_sample_sec)
        elif event.pcm and self._split_event_id is not None:
            self._split_event_id = None
            self.core.remind("half_sample", None)

    def refuse_half_sample(self) -> None:
        """The other half of a sample did not come: said plainly, and left out."""
        if not self.buffer.is_split:
            return
        self.buffer.drop_half_sample()
        self.core.remind("half_sample", None)
        message = "The audio ends amid a sample (an odd number of bytes); the odd byte was left out."
        self.core.send_error(ProtocolError("invalid_value", message, "audio", self._split_event_id))

    def window(self, probability: float) -> None:
        """The VAD's verdict on the next window of audio."""
        self._detected += WINDOW_SAMPLES
        edge = self._endpointer.feed(probability, self._detected)
        if edge is Edge.STARTED:
            self._start()
        elif self.utterance is not None:
            too_long = ms_of(self._detected - self.utterance.start) > self.core.limits.max_utterance_ms
            if edge is Edge.STOPPED or too_long:
                self._stop(self.utterance, self._detected, respond=self.core.turn_detection.create_response)

    def _start(self) -> None:
        padding = samples_of(self.core.turn_detection.prefix_padding_ms)
        self.buffer.keep_from(self._endpointer.onset - padding)
        utterance = Utterance(self.core.make_id("item"), self.buffer.start)
        self._set_utterance(utterance)
        self._idle_asked = False
        self.core.remind("idle", None)
        self.core.remind("stall", self.core.now + self.core.limits.stall_sec)
        start_ms, item_id = ms_of(utterance.start), utterance.item_id
        self.core.send("input_audio_buffer.speech_started", audio_start_ms=start_ms, item_id=item_id)
        if self.core.turn_detection.interrupt_response:
            self.replying.interrupt()

    def _stop(self, utterance: Utterance, end: int, *, respond: bool) -> None:
        self._endpointer.reset()
        self._set_utterance(None)
        self.core.remind("stall", None)
        end_ms, item_id = ms_of(end), utterance.item_id
        self.core.send("input_audio_buffer.speech_stopped", audio_end_ms=end_ms, item_id=item_id)
        self._commit(item_id, self.buffer.take(end), respond=respond)

    def stalled(self) -> None:
        """No audio came amid speech: what was said is taken as it stands."""
        if self.utterance is None:
            return
        due = self._last_audio_at + self.core.limits.stall_sec
        if self.core.now < due:
            self.core.remind("stall", due)
        else:
            self._stop(self.utterance, self.buffer.received, respond=self.core.turn_detection.create_response)

    # Commits.

    def commit(self) -> None:
        """The client's own commit: ends the speech under way, makes no response by itself."""
        self.refuse_half_sample()
        self.check_pending()
        held_ms = ms_of(len(self.buffer))
        if held_ms < MIN_COMMIT_MS:
            message = f"The input audio buffer holds {held_ms} ms of audio; a commit needs {MIN_COMMIT_MS} ms."
            raise ProtocolError("input_audio_buffer_commit_empty", message)
        if self.utterance is not None:
            self._stop(self.utterance, self.buffer.received, respond=False)
        else:
            self._commit(self.core.make_id("item"), self.buffer.take(), respond=False)

    def check_pending(self) -> None:
        if len(self.core.pending) >= self.core.limits.max_pending:
            most = self.core.limits.max_pending
            message = f"{most} utterances still wait for their words, the most. Try again in a moment."
            raise ProtocolError("too_many_pending_transcripts", message)

    def clear(self) -> None:
        self.buffer.clear()
        self._endpointer.reset()
        self._set_utterance(None)
        self.core.remind("half_sample", None)
        self.core.send("input_audio_buffer.cleared")
        self.replying.settle()

    def idle(self) -> None:
        """Nobody spoke since the reply was played: the assistant asks, once, whether somebody is there."""
        if self._idle_asked or self.utterance is not None or self.core.pending or self.replying.response is not None:
            return
        self._idle_asked = True
        item_id = self.core.make_id("item")
        span = {"audio_start_ms": ms_of(self.buffer.start), "audio_end_ms": ms_of(self.buffer.received)}
        self.core.send("input_audio_buffer.timeout_triggered", item_id=item_id, **span)
        self._commit(item_id, self.buffer.take(), respond=False, is_silence=True)
        self.replying.ask_whether_there()

    def _commit(self, item_id: str, pcm: bytes, *, respond: bool, is_silence: bool = False) -> None:
        item = Item(item_id, role="user", is_audio=True, is_transcribed=is_silence, audio_samples=samples_in(pcm))
        self.core.log.insert(item)
        if not is_silence:
            self.transcribe(item, pcm, respond=respond)
        self.core.save(item, pcm=pcm)
        before = self.core.log.before(item)
        self.core.send("input_audio_buffer.committed", item_id=item_id, previous_item_id=before)
        self.core.announce(item)

    # Words.

    def transcribe(self, item: Item, pcm: bytes, *, respond: bool) -> None:
        shown = self.core.config["audio"]["input"]["transcription"] or {}
        self.core.pending[item.id] = self.core.now
        if respond:
            self.to_answer.add(item.id)
        self.core.do(do.Transcribe(item.id, 0, pcm, shown.get("language", ""), shown.get("prompt", "")))
        self.core.remind(f"transcript:{item.id}", self.core.now + self.core.limits.transcript_timeout_sec)

    def words(self, item_id: str, text: str, seconds: float) -> None:
        committed_at, item = self._settle_words(item_id)
        if item is not None:
            item.text, item.usage.stt_seconds = text.strip(), seconds
            self.core.save(item)
            if self.core.config["audio"]["input"]["transcription"] is not None:
                usage = {"type": "duration", "seconds": seconds}
                name = "conversation.item.input_audio_transcription.completed"
                self.core.send(name, item_id=item_id, content_index=0, transcript=item.text, usage=usage)
            if item_id in self.to_answer and item.text:
                self.replying.asked_at = committed_at
        self.to_answer.discard(item_id)
        self.replying.settle()

    def no_words(self, item_id: str, failure: Failure) -> None:
        _, item = self._settle_words(item_id)
        self.to_answer.discard(item_id)
        if item is not None:
            item.error_code, item.error_message = failure.code, failure.message
            self.core.save(item)
            error = {"type": "server_error", "code": failure.code, "message": failure.message}
            name = "conversation.item.input_audio_transcription.failed"
            self.core.send(name, item_id=item_id, content_index=0, error=error)
        self.replying.settle()

    def _settle_words(self, item_id: str) -> tuple[float, Item | None]:
        committed_at = self.core.pending.pop(item_id)
        self.core.remind(f"transcript:{item_id}", None)
        item = self.core.log.get(item_id)  # None: the client deleted it meanwhile
        if item is not None:
            item.is_transcribed = True
        return committed_at, item

    def words_overdue(self, item_id: str) -> None:
        self.core.do(do.Abort(item_id))
        self.no_words(
            item_id, Failure("engine_timeout", "Speech to text took too long and was given up. Say it again.")
        )

    def leave(self) -> None:
        """The client is gone: what it said is kept, nothing answers it."""
        self.buffer.drop_half_sample()
        self.to_answer.clear()
        if self.utterance is not None and ms_of(len(self.buffer)) >= MIN_COMMIT_MS:
            self._stop(self.utterance, self.buffer.received, respond=False)
