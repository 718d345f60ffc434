"""The user's half of the turn machine: audio in, utterances out, as items of the conversation."""

from conversations.pcm import ms_of, samples_of
from conversations.realtime import commands
from conversations.realtime.agent_turn.turn import AgentTurn
from conversations.realtime.protocol.client_events import AudioAppend
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.state import Core
from conversations.realtime.user_turn.commits import ClientCommits
from conversations.realtime.user_turn.endpointing import Endpointing
from conversations.realtime.user_turn.input_buffer import BufferFullError, InputBuffer
from conversations.realtime.user_turn.interruption import Interruption
from conversations.realtime.user_turn.onset import USUAL, WINDOW_SAMPLES, OnsetDetector, SpeechEdge
from conversations.realtime.user_turn.transcription import Transcription
from conversations.realtime.user_turn.utterance import Utterance

MIN_COMMIT_MS = 100
# Kept behind the pre-roll while nobody speaks: onset is decided some windows after it happened.
LOOK_BACK_MS = 500
DICTATED_SPEECH = 0.3  # probability of it in audio that the client commits


class UserTurn:
    def __init__(
        self, core: Core, agent_turn: AgentTurn, transcription: Transcription, interruption: Interruption
    ) -> None:
        self.core = core
        self.agent_turn = agent_turn
        self.transcription = transcription
        self.interruption = interruption
        self.buffer = InputBuffer(samples_of(core.limits.max_buffer_ms))
        self.utterance: Utterance | None = None
        self._split_event_id: str | None = None
        self._last_audio_at = 0.0
        self._last_word_at = 0  # position of the end of the last utterance's speech
        self._endpointer = OnsetDetector(0.5)
        self._commits = ClientCommits(core, transcription)
        self._pausing = Endpointing(core, agent_turn, transcription, interruption, self._endpointer)
        transcription.on_words = agent_turn.preemptive.on_ready = self._reconsider
        self.configure()

    def configure(self) -> None:
        """Takes up the session's turn detection from the next audio on; speech under way goes on."""
        detection = self.core.turn_detection
        self._endpointer.reset()
        self._endpointer.threshold = detection.threshold
        self._detected = self.buffer.received
        self._detect_from_scratch = True
        self.transcription.dictated = None
        if detection.is_on and self.utterance is not None:
            self._endpointer.speaking = True
        else:
            self.transcription.dictated = self.utterance
            self._set_utterance(None)
        if not detection.is_on:
            self._leave_pauses_to_the_client()

    def _leave_pauses_to_the_client(self) -> None:
        """No pause ends what is being said any more: what was begun in one is undone."""
        if self.transcription.dictated is not None:
            self.transcription.dictated.go_on()
        self.agent_turn.preemptive.drop()
        self.interruption.resume()

    def _set_utterance(self, utterance: Utterance | None) -> None:
        self.utterance = self.transcription.utterance = utterance
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
            self._dictate(pcm)
        elif self.utterance is None:
            self.buffer.keep_from(
                self.buffer.received - samples_of(detection.prefix_padding_ms + LOOK_BACK_MS) - len(pcm)
            )
        else:
            self._hear(self.utterance, pcm)
        self.core.do(commands.DetectSpeech(pcm, self._detect_from_scratch))
        self._detect_from_scratch = False

    def _hear(self, utterance: Utterance, pcm: bytes, *, begins: bool = False) -> None:
        self.core.do(commands.FeedTranscriber(utterance.item_id, pcm, *self.transcription.hints(), begins))

    def _dictate(self, pcm: bytes) -> None:
        """Audio that the client will commit: heard as it comes, too."""
        begins = self.transcription.dictated is None
        self.transcription.dictated = self.transcription.dictated or Utterance(
            self.core.make_id("item"), self.buffer.start
        )
        self._hear(self.transcription.dictated, self.buffer.peek() if begins else pcm, begins=begins)

    def _watch_half_sample(self, event: AudioAppend) -> None:
        if self.buffer.is_split:
            self._split_event_id = event.event_id
            self.core.set_deadline("half_sample", self.core.now + self.core.limits.half_sample_sec)
        elif event.pcm and self._split_event_id is not None:
            self._split_event_id = None
            self.core.set_deadline("half_sample", None)

    def refuse_half_sample(self) -> None:
        """The other half of a sample did not come: said plainly, and left out."""
        if not self.buffer.is_split:
            return
        self.buffer.drop_half_sample()
        self.core.set_deadline("half_sample", None)
        message = "The audio ends amid a sample (an odd number of bytes); the odd byte was left out."
        self.core.send_error(ProtocolError("invalid_value", message, "audio", self._split_event_id))

    def window(self, probability: float) -> None:
        """The VAD's verdict on the next window of audio."""
        self._detected += WINDOW_SAMPLES
        if not self.core.turn_detection.is_on:
            if self.transcription.dictated is not None and probability >= DICTATED_SPEECH:
                self.transcription.dictated.speech_windows += 1
        elif self.utterance is None:
            self._attend(probability)
        else:
            self._follow(self.utterance, probability)

    def _attend(self, probability: float) -> None:
        """Nobody speaks yet."""
        edge = self._endpointer.feed(probability, self._detected, self.interruption.onset())
        if edge is SpeechEdge.STARTED:
            self._start()
        elif self.core.turn_detection.interrupt_response:
            self.interruption.suspect(probability >= self._endpointer.threshold)

    def _follow(self, utterance: Utterance, probability: float) -> None:
        edge = self._endpointer.feed(probability, self._detected)
        too_long = ms_of(self._detected - utterance.start) > self.core.limits.max_utterance_ms
        if edge is SpeechEdge.RESUMED:
            self._pausing.over(utterance)
        if self._endpointer.quiet_samples:
            self._pausing.ask(utterance, self.buffer)
        else:
            self._pausing.quiet_ms = 0
            utterance.speech_windows += 1
            self._speech_goes_on(utterance)
        self._reconsider(too_long=too_long)

    def _reconsider(self, *, too_long: bool = False) -> None:
        """More silence, or more is known of the words: is that the end?"""
        utterance, detection = self.utterance, self.core.turn_detection
        if utterance is None or not detection.is_on:
            return
        if too_long or (self._endpointer.quiet_samples and self._pausing.is_over(utterance)):
            self._stop(utterance, self._detected, respond=detection.create_response)

    def _speech_goes_on(self, utterance: Utterance) -> None:
        if self.interruption.wants_snapshot(utterance):
            self.transcription.ask(utterance, self.buffer.peek())
        self.interruption.speech_goes_on(utterance)

    def _start(self) -> None:
        padding = samples_of(self.core.turn_detection.prefix_padding_ms)
        self.buffer.keep_from(self._endpointer.onset - padding)
        utterance = Utterance(self.core.make_id("item"), self.buffer.start)
        self._set_utterance(utterance)
        # A click may fill as many as usually make an onset, so they do not count as speech; those beyond do.
        utterance.speech_windows = self._endpointer.rising - USUAL.windows
        self.core.set_deadline("idle", None)
        self.core.set_deadline("stall", self.core.now + self.core.limits.stall_sec)
        start_ms, item_id = ms_of(utterance.start), utterance.item_id
        self.core.do(commands.WarmEngines())
        self.core.send("input_audio_buffer.speech_started", audio_start_ms=start_ms, item_id=item_id)
        self._hear(utterance, self.buffer.peek(), begins=True)
        self._learn_from_a_cut()
        self.interruption.speech(utterance)

    def _learn_from_a_cut(self) -> None:
        """Who goes on before anything was answered had only paused."""
        response = self.agent_turn.response
        if response is not None and response.audio_started_at is None:
            self.core.pauses.learn(ms_of(self._endpointer.onset - self._last_word_at))

    def _stop(self, utterance: Utterance, end: int, *, respond: bool) -> None:
        self._last_word_at = end - self._endpointer.quiet_samples
        self._endpointer.reset()
        self._pausing.reset()
        self._set_utterance(None)
        self.core.set_deadline("stall", None)
        end_ms, item_id = ms_of(end), utterance.item_id
        self.core.send("input_audio_buffer.speech_stopped", audio_end_ms=end_ms, item_id=item_id)
        self._commits.commit(utterance, self.buffer.take(end), respond=respond)

    def stalled(self) -> None:
        """No audio came amid speech: what was said is taken as it stands."""
        if self.utterance is None:
            return
        due = self._last_audio_at + self.core.limits.stall_sec
        if self.core.now < due:
            self.core.set_deadline("stall", due)
        else:
            self._stop(self.utterance, self.buffer.received, respond=self.core.turn_detection.create_response)

    # Commits.

    def commit(self) -> None:
        """The client's own commit: ends the speech under way, makes no response by itself."""
        self.refuse_half_sample()
        self.transcription.check_pending()
        held_ms = ms_of(len(self.buffer))
        if held_ms < MIN_COMMIT_MS:
            message = f"The input audio buffer holds {held_ms} ms of audio; a commit needs {MIN_COMMIT_MS} ms."
            raise ProtocolError("input_audio_buffer_commit_empty", message)
        if self.utterance is not None:
            return self._stop(self.utterance, self.buffer.received, respond=False)
        dictated = self.transcription.dictated or Utterance(self.core.make_id("item"), self.buffer.start)
        self.transcription.dictated = None
        return self._commits.commit(dictated, self.buffer.take(), respond=False)

    def clear(self) -> None:
        self.buffer.clear()
        self._endpointer.reset()
        self._pausing.reset()
        self._set_utterance(None)
        self.transcription.dictated = None
        self.core.set_deadline("half_sample", None)
        self.core.send("input_audio_buffer.cleared")
        self.interruption.resume()
        self.agent_turn.settle()

    def idle(self) -> None:
        """Nobody spoke since the reply was played: the assistant asks, once, whether somebody is there."""
        agent_turn = self.agent_turn
        if agent_turn.has_asked or self.utterance is not None or self.core.pending or agent_turn.response is not None:
            return
        silence = Utterance(self.core.make_id("item"), self.buffer.start)
        span = {"audio_start_ms": ms_of(silence.start), "audio_end_ms": ms_of(self.buffer.received)}
        self.core.send("input_audio_buffer.timeout_triggered", item_id=silence.item_id, **span)
        self._commits.commit(silence, self.buffer.take(), respond=False)
        agent_turn.ask_if_present()

    def leave(self) -> None:
        """The client is gone: what it said is kept, nothing answers it."""
        self.buffer.drop_half_sample()
        self.transcription.to_answer.clear()
        if self.utterance is not None and ms_of(len(self.buffer)) >= MIN_COMMIT_MS:
            self._stop(self.utterance, self.buffer.received, respond=False)
