"""The deadlines of the agent's turn: for a response, for its first sound, and for the user after it."""

from conversations.realtime.agent_turn.response import Response
from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.protocol.errors import Failure

AT_ONCE_SEC = 1.0  # a client that asks for a response this soon after a transcript has waited for the transcript
LEAST_SILENCE_SEC = 1.0  # a response gets this long to sound before a filler, however long ago the endpoint was


class TurnDeadlines:
    """The deadlines of one session's responses."""

    def __init__(self, state: CascadeState) -> None:
        self.state = state
        self._words_at, self._words_sec = 0.0, 0.0  # when the last transcript came, and how long it took

    def note_transcription_time(self, seconds: float) -> None:
        """Note that a transcript took so many seconds: they count against the turn's budget."""
        self._words_at, self._words_sec = self.state.now, seconds

    def compute_sound_due_at(self, endpoint_at: float | None) -> float:
        """Return when a response that begins now must have sounded.

        `endpoint_at` is the endpoint of the utterance it answers, or None if the client asked for the response.
        """
        budget_sec, now = self.state.limits.turn_budget_sec, self.state.now
        if endpoint_at is not None:
            return endpoint_at + budget_sec
        is_at_once = now - self._words_at <= AT_ONCE_SEC
        return now + max(AT_ONCE_SEC, budget_sec - (self._words_sec if is_at_once else 0.0))

    def begin(self, response: Response) -> None:
        """Set the deadlines of a response that begins now. While it runs the user does not count as idle."""
        self.state.set_deadline("idle", None)
        self.watch(response)
        self.expect_silence(response)

    def watch(self, response: Response) -> None:
        """Set the deadline by which the response must make progress."""
        self.state.set_deadline("response", self.compute_due_at(response))

    def compute_due_at(self, response: Response) -> float:
        """Return when the response is given up if the engines bring nothing more for it."""
        limits = self.state.limits
        if response.running:
            return response.progress_at + limits.tool_timeout_sec
        due_at = response.due_at
        if response.has_sounded:
            due_at = response.lag.compute_limit_at(limits.speech_lag_sec, response.plays_until)
        return min(due_at, response.progress_at + limits.response_timeout_sec)

    def postpone(self, response: Response) -> None:
        """Give a response that is held back its whole time again, from now on."""
        response.progress_at = self.state.now
        response.due_at = max(response.due_at, self.state.now + self.state.limits.turn_budget_sec)

    def find_overdue(self, response: Response) -> Failure | None:
        """Return why the response is given up now, or None if it has time left; then the deadline is set again."""
        if self.state.now >= self.compute_due_at(response):
            return Failure("response_timeout", "The reply took too long. Please try again.")
        self.watch(response)
        return None

    def end(self, response: Response) -> None:
        """Take the deadlines of a response back, since it has ended, and wait for the user."""
        self.state.set_deadline("response", None)
        self.state.set_deadline("silence", None)
        self.expect_user(response)

    def expect_silence(self, response: Response) -> None:
        """Set the deadline after which a filler bridges the silence before this response, which begins now."""
        if self.state.limits.filler_sec is not None and response.options.is_audio:
            since = response.endpoint_at or self.state.now
            self.state.set_deadline(
                "silence", max(since + self.state.limits.filler_sec, self.state.now + LEAST_SILENCE_SEC)
            )

    def expect_user(self, response: Response) -> None:
        """Set the deadline after which the user counts as idle behind this response, which has ended."""
        timeout_ms = self.state.turn_detection.idle_timeout_ms
        if timeout_ms is not None and response.status == "completed":
            played_at = max(self.state.now, response.playback.compute_end_at(response.item.audio_ms))
            self.state.set_deadline("idle", played_at + timeout_ms / 1000)
