"""The user's turn: audio in, utterances out, as items of the conversation."""

from conversations.pcm import ms_to_samples, samples_to_ms
from conversations.realtime import commands
from conversations.realtime.agent_turn.turn import AgentTurn
from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.protocol.client_events import AudioAppend
from conversations.realtime.protocol.errors import ProtocolError, build_buffer_full_error
from conversations.realtime.user_turn.commits import UtteranceCommits
from conversations.realtime.user_turn.endpointing import Endpointing
from conversations.realtime.user_turn.input_buffer import BufferFullError, InputBuffer
from conversations.realtime.user_turn.interruption import Interruption
from conversations.realtime.user_turn.onset import IN_SILENCE, WINDOW_SAMPLES, OnsetDetector, SpeechEdge
from conversations.realtime.user_turn.transcription import Transcription
from conversations.realtime.user_turn.utterance import Utterance

MIN_COMMIT_MS = 100
# Kept behind the pre-roll while nobody speaks: onset is decided some windows after it happened.
LOOK_BACK_MS = 500
DICTATED_SPEECH_PROBABILITY = 0.3  # probability of it in audio that the client commits


class UserTurn:
    """Take the user's audio, and commit utterances."""

    def __init__(
        self, state: CascadeState, agent_turn: AgentTurn, transcription: Transcription, interruption: Interruption
    ) -> None:
        self.state = state
        self.agent_turn = agent_turn
        self.transcription = transcription
        self.interruption = interruption
        self.buffer = InputBuffer(ms_to_samples(state.limits.max_buffer_ms))
        self.utterance: Utterance | None = None
        self._split_event_id: str | None = None
        self._last_audio_at = 0.0
        self._last_word_at = 0  # position of the end of the last utterance's speech
        self._onset_detector = OnsetDetector(0.5)
        self.commits = UtteranceCommits(state, transcription)
        self._endpointing = Endpointing(state, agent_turn, transcription, interruption, self._onset_detector)
        transcription.on_words_changed = agent_turn.preemptive.on_ready = self._end_if_over
        self.configure()

    def configure(self) -> None:
        """Apply the session's turn detection from the next audio on. Speech that is under way goes on."""
        detection = self.state.turn_detection
        self._onset_detector.reset()
        self._onset_detector.threshold = detection.threshold
        self._detected = self.buffer.received
        self._detect_from_scratch = True
        self.transcription.drop(self.transcription.dictated)
        if detection.is_on and self.utterance is not None:
            self._onset_detector.speaking = True
        else:
            self.transcription.dictated = self.utterance
            self._set_utterance(None)
        if not detection.is_on:
            self._stop_endpointing()

    def _stop_endpointing(self) -> None:
        """Undo what was begun in a pause, since no pause ends the present utterance any more."""
        if self.transcription.dictated is not None:
            self.transcription.dictated.continue_speech()
        self.agent_turn.preemptive.drop()
        self.interruption.resume()

    def _set_utterance(self, utterance: Utterance | None) -> None:
        self.utterance = self.transcription.utterance = utterance
        self.state.is_user_speaking = utterance is not None

    # Audio.

    def append_audio(self, event: AudioAppend) -> None:
        """Buffer audio of the client, and pass it to the VAD and the transcriber.

        Raise ProtocolError if the buffer is full.
        """
        try:
            pcm = self.buffer.append(event.pcm)
        except BufferFullError:
            raise build_buffer_full_error(self.state.limits.max_buffer_ms, event.event_id) from None
        self._last_audio_at = self.state.now
        self._time_half_sample(event)
        detection = self.state.turn_detection
        if not detection.is_on:
            self._take_dictation(pcm)
        elif self.utterance is None:
            self.buffer.keep_from(
                self.buffer.received - ms_to_samples(detection.prefix_padding_ms + LOOK_BACK_MS) - len(pcm)
            )
        else:
            self._feed_transcriber(self.utterance, pcm)
        self.state.do(commands.DetectSpeech(pcm, self._detect_from_scratch))
        self._detect_from_scratch = False

    def _feed_transcriber(self, utterance: Utterance, pcm: bytes, *, begins: bool = False) -> None:
        hints = self.transcription.get_hints() if begins else ("", "")
        self.state.do(commands.FeedTranscriber(utterance.item_id, pcm, *hints, begins))

    def _take_dictation(self, pcm: bytes) -> None:
        """Transcribe audio as it arrives that the client itself will commit."""
        begins = self.transcription.dictated is None
        self.transcription.dictated = self.transcription.dictated or Utterance(
            self.state.make_id("item"), self.buffer.start
        )
        self._feed_transcriber(self.transcription.dictated, self.buffer.peek() if begins else pcm, begins=begins)

    def _time_half_sample(self, event: AudioAppend) -> None:
        """Set a deadline for the other half of a sample, or clear it."""
        if self.buffer.is_split:
            self._split_event_id = event.event_id
            self.state.set_deadline("half_sample", self.state.now + self.state.limits.half_sample_sec)
        elif event.pcm and self._split_event_id is not None:
            self._split_event_id = None
            self.state.set_deadline("half_sample", None)

    def refuse_half_sample(self) -> None:
        """Send an error because the other half of a sample did not come, and drop the odd byte."""
        if not self.buffer.is_split:
            return
        self.buffer.drop_half_sample()
        self.state.set_deadline("half_sample", None)
        message = "The audio ends in the middle of a sample (an odd number of bytes); the odd byte was left out."
        self.state.send_error(ProtocolError("invalid_value", message, "audio", self._split_event_id))

    def take_window(self, probability: float) -> None:
        """Take the VAD's probability of speech for the next window of audio."""
        self._detected += WINDOW_SAMPLES
        if not self.state.turn_detection.is_on:
            if self.transcription.dictated is not None and probability >= DICTATED_SPEECH_PROBABILITY:
                self.transcription.dictated.speech_windows += 1
        elif self.utterance is None:
            self._wait_for_onset(probability)
        else:
            self._follow_speech(self.utterance, probability)

    def _wait_for_onset(self, probability: float) -> None:
        """Check whether the window makes an onset, while nobody speaks."""
        edge = self._onset_detector.feed(probability, self._detected, self.interruption.choose_onset())
        if edge is SpeechEdge.STARTED:
            self._begin_utterance()
        elif self.state.turn_detection.interrupt_response:
            self.interruption.suspect(probability >= self._onset_detector.threshold)

    def _follow_speech(self, utterance: Utterance, probability: float) -> None:
        """Check whether the utterance goes on, pauses or ends with this window."""
        edge = self._onset_detector.feed(probability, self._detected)
        too_long = samples_to_ms(self._detected - utterance.start) > self.state.limits.max_utterance_ms
        if edge is SpeechEdge.RESUMED:
            self._endpointing.end_pause(utterance)
        if self._onset_detector.quiet_samples:
            self._endpointing.take_silence(utterance, self.buffer)
        else:
            self._endpointing.quiet_ms = 0
            utterance.speech_windows += 1
            self._continue_speech(utterance)
        self._end_if_over(too_long=too_long)

    def _end_if_over(self, *, too_long: bool = False) -> None:
        """End the utterance if its silence is long enough for what is known of its words, or if it is too long."""
        utterance, detection = self.utterance, self.state.turn_detection
        if utterance is None or not detection.is_on:
            return
        if too_long or (self._onset_detector.quiet_samples and self._endpointing.check_endpoint(utterance)):
            self._end_utterance(utterance, self._detected, respond=detection.create_response)

    def _continue_speech(self, utterance: Utterance) -> None:
        if self.interruption.is_snapshot_due(utterance):
            self.transcription.request(utterance, self.buffer.peek())
        self.interruption.continue_speech(utterance)

    def _begin_utterance(self) -> None:
        padding = ms_to_samples(self.state.turn_detection.prefix_padding_ms)
        self.buffer.keep_from(self._onset_detector.onset - padding)
        utterance = Utterance(self.state.make_id("item"), self.buffer.start)
        self._set_utterance(utterance)
        # A click may fill as many as usually make an onset, so they do not count as speech; those beyond do.
        utterance.speech_windows = self._onset_detector.rising - IN_SILENCE.windows
        self.state.set_deadline("idle", None)
        self.state.set_deadline("stall", self.state.now + self.state.stall_sec)
        start_ms, item_id = samples_to_ms(utterance.start), utterance.item_id
        self.state.do(commands.WarmEngines())
        self.state.send("input_audio_buffer.speech_started", audio_start_ms=start_ms, item_id=item_id)
        self._feed_transcriber(utterance, self.buffer.peek(), begins=True)
        self._learn_cut_pause()
        self.interruption.begin_speech(utterance)

    def _learn_cut_pause(self) -> None:
        """Learn a pause that was taken for the end: the user went on before anything was answered."""
        response = self.agent_turn.response
        if response is not None and response.playback.started_at is None:
            self.state.pauses.learn(samples_to_ms(self._onset_detector.onset - self._last_word_at))

    def _end_utterance(self, utterance: Utterance, end: int, *, respond: bool) -> None:
        self._last_word_at = end - self._onset_detector.quiet_samples
        self._onset_detector.reset()
        self._endpointing.reset()
        self._set_utterance(None)
        self.state.set_deadline("stall", None)
        end_ms, item_id = samples_to_ms(end), utterance.item_id
        self.state.send("input_audio_buffer.speech_stopped", audio_end_ms=end_ms, item_id=item_id)
        self.commits.commit(utterance, self.buffer.take(end), respond=respond)

    def end_stalled_speech(self) -> None:
        """End the utterance because no more audio comes."""
        if self.utterance is None:
            return
        due = self._last_audio_at + self.state.stall_sec
        if self.state.now < due:
            self.state.set_deadline("stall", due)
        else:
            self._end_utterance(self.utterance, self.buffer.received, respond=self.state.turn_detection.create_response)

    # Commits.

    def commit(self) -> None:
        """Commit the buffer for the client, which ends the present speech and does not make a response.

        Raise ProtocolError if the buffer holds too little.
        """
        self.refuse_half_sample()
        self.transcription.check_pending()
        held_ms = samples_to_ms(len(self.buffer))
        if held_ms < MIN_COMMIT_MS:
            message = f"The input audio buffer holds {held_ms} ms of audio; a commit needs {MIN_COMMIT_MS} ms."
            raise ProtocolError("input_audio_buffer_commit_empty", message)
        if self.utterance is not None:
            return self._end_utterance(self.utterance, self.buffer.received, respond=False)
        dictated = self.transcription.dictated or Utterance(self.state.make_id("item"), self.buffer.start)
        self.transcription.dictated = None
        return self.commits.commit(dictated, self.buffer.take(), respond=False)

    def clear(self) -> None:
        """Drop the buffered audio and the present speech."""
        self.buffer.clear()
        self._onset_detector.reset()
        self._endpointing.reset()
        self.transcription.drop(self.utterance or self.transcription.dictated)
        self._set_utterance(None)
        self.state.set_deadline("half_sample", None)
        self.state.send("input_audio_buffer.cleared")
        self.interruption.resume()
        self.agent_turn.settle()

    def leave(self) -> None:
        """Commit what was said when the client has left; nothing answers it."""
        self.buffer.drop_half_sample()
        self.transcription.to_answer.clear()
        if self.utterance is not None and samples_to_ms(len(self.buffer)) >= MIN_COMMIT_MS:
            self._end_utterance(self.utterance, self.buffer.received, respond=False)
