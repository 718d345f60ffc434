"""Endpointing: decide what to do in the speaker's pauses, and which pause ends the utterance."""

from conversations.pcm import samples_to_ms
from conversations.realtime.agent_turn.preemptive_generation import MAX_TRIES
from conversations.realtime.agent_turn.turn import AgentTurn
from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.protocol.response_options import build_default_options
from conversations.realtime.user_turn.endpoint_silence import MAX_WAIT_MS, choose_short_silence_ms, choose_wait_ms
from conversations.realtime.user_turn.input_buffer import InputBuffer
from conversations.realtime.user_turn.interruption import Interruption
from conversations.realtime.user_turn.onset import OnsetDetector
from conversations.realtime.user_turn.transcription import Transcription
from conversations.realtime.user_turn.utterance import Utterance

# A reply takes about that long to its first sound: begun earlier in a long wait it would more often be for nothing.
PREEMPTIVE_LEAD_MS = 900
# The longer the silence, the likelier it is the end: after a try in vain the next one waits for this share of the wait.
RETRY_WAIT_SHARES = (0.0, 0.4, 0.6)
DRAFT_WAIT_MS = 1_000  # a reply that takes longer is waited for with the utterance closed


class Endpointing:
    """The endpointing of one session.

    `take_silence` is called for each quiet window of an utterance, and `check_endpoint` whenever the silence or the
    transcript has grown.
    """

    def __init__(
        self,
        state: CascadeState,
        agent_turn: AgentTurn,
        transcription: Transcription,
        interruption: Interruption,
        onset_detector: OnsetDetector,
    ) -> None:
        self.state = state
        self.agent_turn = agent_turn
        self.transcription = transcription
        self.interruption = interruption
        self.onset_detector = onset_detector
        self.quiet_ms = 0
        self._judged: tuple[str | None, int] | None = None  # words, and how long to wait after them

    def reset(self) -> None:
        """Forget the present pause."""
        self.quiet_ms = 0
        self._judged = None

    def end_pause(self, utterance: Utterance) -> None:
        """Learn from the pause that ended, and drop the transcript and the reply that were made in it."""
        self.state.pauses.learn(self.quiet_ms)
        self.reset()
        utterance.continue_speech()
        self.agent_turn.preemptive.drop()

    def check_endpoint(self, utterance: Utterance) -> bool:
        """Return whether the utterance has ended. Late in a pause, also begin a preemptive response."""
        wait = self._get_wait_ms(utterance)
        if self.quiet_ms >= max(
            wait - PREEMPTIVE_LEAD_MS, wait * RETRY_WAIT_SHARES[min(utterance.preemptive_tries, MAX_TRIES - 1)]
        ):
            self._begin_preemptive(utterance)
        return self.quiet_ms >= wait and not self._is_draft_awaited(utterance, wait)

    def _is_draft_awaited(self, utterance: Utterance, wait: int) -> bool:
        """Return whether to keep listening, which costs nothing while the preemptive response has no sound."""
        eagerness, draft = self.state.turn_detection.eagerness, self.agent_turn.preemptive.draft
        if eagerness is None or draft is None or draft.is_ready or not draft.is_answer_to(utterance.known_words or ""):
            return False
        return self.quiet_ms < min(wait + DRAFT_WAIT_MS, MAX_WAIT_MS[eagerness])

    def take_silence(self, utterance: Utterance, buffer: InputBuffer) -> None:
        """Count one more window of silence, and request the transcript early in the pause."""
        self.quiet_ms = samples_to_ms(self.onset_detector.quiet_samples)
        self.interruption.take_silence(self.quiet_ms / 1000)
        detection, setup = self.state.turn_detection, self.state.setup
        is_wanted = setup.preemptive_generation or detection.eagerness is not None or self.interruption.is_undecided
        tries = utterance.revision
        may_ask = setup.has_streaming_stt or tries < MAX_TRIES  # a stream is paid by its length, files each time
        if utterance.is_requested or utterance.has_failed or not is_wanted or not may_ask:
            return
        if self.quiet_ms >= choose_short_silence_ms(tries, self.state.pauses):
            self.transcription.request(utterance, buffer.peek())
            utterance.is_requested = True

    def _get_wait_ms(self, utterance: Utterance) -> int:
        """Return how much silence ends the utterance, in ms, by the settings and by its words so far."""
        eagerness = self.state.turn_detection.eagerness
        if eagerness is None:
            return self.state.turn_detection.silence_duration_ms
        words = utterance.known_words
        if self._judged is None or self._judged[0] != words:
            language, _ = self.transcription.get_hints()
            self._judged = words, choose_wait_ms(words, eagerness, self.state.pauses, language)
        return self._judged[1]

    def _begin_preemptive(self, utterance: Utterance) -> None:
        """Begin a preemptive response if the words are known, the settings allow it, and nothing else runs."""
        words, agent_turn = utterance.known_words, self.agent_turn
        may = (
            self.state.setup.preemptive_generation
            and self.state.turn_detection.create_response
            and utterance.preemptive_tries < MAX_TRIES
        )
        is_free = agent_turn.response is None and not self.state.pending and not self.interruption.is_undecided
        if not words or not may or not is_free or utterance.is_ignored or not self.onset_detector.is_in_pause:
            return
        if agent_turn.preemptive.draft is None or not agent_turn.preemptive.draft.is_answer_to(words):
            utterance.preemptive_tries += 1
            agent_turn.preemptive.begin(build_default_options(self.state), words, utterance)
