"""Decide whether speech over a reply is an interruption.

At the onset of speech the reply pauses; words end it, and without words it goes on. That requires a client that can
pause (the extension “playback”). Official clients drop what they play at `speech_started`, so for them the response is
cancelled at once, as OpenAI does it.
"""

from conversations.realtime.agent_turn.response import Response
from conversations.realtime.agent_turn.turn import AgentTurn
from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.measurements import DecisionOutcome
from conversations.realtime.user_turn.backchannel import SPOKEN_MAX_CHARS, is_backchannel, remove_echo
from conversations.realtime.user_turn.onset import AFTER_PLAYBACK_START, IN_SILENCE, OVER_SPEECH, Onset
from conversations.realtime.user_turn.utterance import Utterance

GUARD_SEC = 0.3  # after playback began
# Speech that goes on that long is meant, whatever became of its words.
CERTAIN_WINDOWS = 60  # 1.9 s
# Speech to text of whole files looks into a long barge-in, ever more rarely.
SNAPSHOT_WINDOWS = (15, 39, 87, 183)  # windows of speech
# So long a reply may stand still for what only might become speech: all the windows of an onset, and their way here.
SUSPICION_SEC = 0.4
PATIENCE_SEC = 1.0  # of silence; words that come later than that still end the reply
# “Yes” to a question, or to a reply that is about to end, is an answer to it, not a sign of listening.
NEARLY_OVER_MS = 1500


class Interruption:
    """Pause, resume or end the reply when the user speaks over it."""

    def __init__(self, state: CascadeState, agent_turn: AgentTurn) -> None:
        self.state = state
        self.agent_turn = agent_turn
        self._paused: Response | None = None
        self._takes_answers = False  # the reply was nearly over
        self._echoed: Response | None = None  # its own words came back through the microphone

    @property
    def is_undecided(self) -> bool:
        """Return whether a reply is paused and not yet resumed or ended."""
        return self._paused is not None and self._paused is self.agent_turn.playback_queue.sounding

    def choose_onset(self) -> Onset:
        """Return the onset criteria for this moment: stricter while the assistant is heard."""
        sounding = self.agent_turn.playback_queue.sounding
        if sounding is None or sounding.playback.started_at is None:
            return IN_SILENCE
        is_new = self.state.now - sounding.playback.started_at < GUARD_SEC
        return AFTER_PLAYBACK_START if is_new or sounding is self._echoed else OVER_SPEECH

    def suspect(self, is_rising: bool) -> None:
        """Hold the reply back at a first window that sounds like speech, and release it if no speech follows."""
        if is_rising:
            self._pause_briefly()
        elif not self.is_undecided:
            self.agent_turn.release_held()

    def _pause_briefly(self) -> None:
        """Hold the reply back for at most SUSPICION_SEC, since the microphone may close before the next window."""
        if self.agent_turn.hold_back():
            self.state.set_deadline("suspicion", self.state.now + SUSPICION_SEC)

    def end_suspicion(self) -> None:
        """Release the reply that was held back, unless it was paused meanwhile."""
        if not self.is_undecided:
            self.agent_turn.release_held()

    def begin_speech(self, utterance: Utterance) -> None:
        """Pause the reply as the user begins to speak, or end it where the client cannot pause."""
        sounding = self.agent_turn.playback_queue.sounding
        if sounding is None or not self.state.turn_detection.interrupt_response:
            return self.agent_turn.release_held()
        utterance.spoken_over = self.agent_turn.playback_queue.collect_recent_text()
        if not self.state.has_extension("playback") or not sounding.options.is_audio:
            utterance.is_interruption = True
            return self.agent_turn.interrupt()
        self._paused = sounding
        asks = utterance.spoken_over.rstrip().endswith(("?", "？", "؟"))
        self._takes_answers = asks or self.agent_turn.playback_queue.estimate_left_ms() < NEARLY_OVER_MS
        return self.agent_turn.pause()

    def is_snapshot_due(self, utterance: Utterance) -> bool:
        """Return whether a transcript should be requested in the middle of this utterance."""
        is_open = (
            utterance.spoken_over is not None
            and not utterance.is_interruption
            and self.agent_turn.playback_queue.sounding is not None
        )
        return is_open and not self.state.setup.has_streaming_stt and utterance.speech_windows in SNAPSHOT_WINDOWS

    def continue_speech(self, utterance: Utterance) -> None:
        """End the reply after so much speech that it is meant, whatever the transcript says."""
        is_open = not utterance.known_words and not utterance.is_ignored
        if self.is_undecided and is_open and utterance.speech_windows >= CERTAIN_WINDOWS:
            self._confirm(utterance)

    def judge_words(self, utterance: Utterance, words: str, *, is_over: bool) -> str:
        """Judge the words of an utterance that began over the assistant's voice, and return the user's own words.

        `is_over` says that no more words are expected for now.
        """
        if utterance.spoken_over is None or (utterance.is_interruption and not is_over):
            return words  # nothing is open; comparing every partial transcript of a long utterance takes milliseconds
        sounding = self.agent_turn.playback_queue.sounding
        if sounding is not None:  # a steady echo goes on with what has sounded since
            utterance.spoken_over = join_words(
                utterance.spoken_over, self.agent_turn.playback_queue.collect_recent_text()
            )
        own = remove_echo(words, utterance.spoken_over)
        is_little = not own or (is_backchannel(own) and not self._takes_answers)
        utterance.is_ignored = is_little and not utterance.is_interruption
        if words and not own:
            self._echoed = sounding
        if not is_little:
            self._confirm(utterance)
        elif is_over:
            self.resume()
        return own

    def take_silence(self, quiet_sec: float) -> None:
        """Resume the reply after `quiet_sec` of silence without words."""
        if self.is_undecided and quiet_sec >= PATIENCE_SEC:
            self.resume()

    def _confirm(self, utterance: Utterance) -> None:
        """End the reply, since the user said words; also a reply that was resumed meanwhile."""
        sounding = self.agent_turn.playback_queue.sounding
        if utterance.is_interruption or sounding is None or not self.state.turn_detection.interrupt_response:
            return
        utterance.is_interruption = True
        self._paused = None
        if self.state.has_extension("playback"):
            self.state.send("output_audio_buffer.cleared", response_id=sounding.id)
            self.state.do(DecisionOutcome("interruption", "confirmed"))
        self.agent_turn.interrupt()

    def resume(self) -> None:
        """Resume the paused reply where it stopped, since the user said nothing of substance."""
        paused, is_undecided = self._paused, self.is_undecided
        self._paused = None
        if paused is None or not is_undecided:
            return
        self.agent_turn.playback_queue.resume()
        self.state.do(DecisionOutcome("interruption", "resumed"))
        self.state.send("output_audio_buffer.started", response_id=paused.id)
        self.agent_turn.release_held()


def join_words(before: str, now: str) -> str:
    """Join two overlapping texts of the reply, and return the last SPOKEN_MAX_CHARS characters."""
    before, now = before[-SPOKEN_MAX_CHARS:], now[-SPOKEN_MAX_CHARS:]
    overlap = next((n for n in range(min(len(before), len(now)), 0, -1) if before.endswith(now[:n])), 0)
    return (before + now[overlap:])[-SPOKEN_MAX_CHARS:]
