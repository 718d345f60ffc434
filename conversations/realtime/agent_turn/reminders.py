"""How long is waited: for a response, for its sound, for the user behind it. Reminders of `AgentTurn`."""

from conversations.realtime.agent_turn.response import Response, played_out_at
from conversations.realtime.state import Core

AT_ONCE_SEC = 1.0  # behind the words: a client that asks for a response then has waited for them
LEAST_SILENCE_SEC = 1.0  # where the endpoint lies far back when a response begins: it may be about to sound


class Reminders:
    def __init__(self, core: Core) -> None:
        self.core = core
        self._words_at, self._words_sec = 0.0, 0.0  # when they were known last, and how long that took

    def words_took(self, seconds: float) -> None:
        self._words_at, self._words_sec = self.core.now, seconds

    def sounds_by(self, endpoint_at: float | None) -> float:
        """When a response that begins now must have sounded. `endpoint_at` None: a client asked for it."""
        budget_sec, now = self.core.limits.turn_budget_sec, self.core.now
        if endpoint_at is not None:
            return endpoint_at + budget_sec
        is_at_once = now - self._words_at <= AT_ONCE_SEC
        return now + max(AT_ONCE_SEC, budget_sec - (self._words_sec if is_at_once else 0.0))

    def watch(self, response: Response) -> None:
        self.core.set_deadline("response", self.due(response))

    def due(self, response: Response) -> float:
        """When it is to be given up, should nothing more come of it."""
        limits = self.core.limits
        if response.running:
            return response.progress_at + limits.tool_timeout_sec
        is_behind_at = response.lag.reaches(limits.speech_lag_sec, response.plays_until)
        due_at = is_behind_at if response.has_sounded else response.due_at
        return min(due_at, response.progress_at + limits.response_timeout_sec)

    def expect_silence(self, response: Response) -> None:
        """Of a response that begins."""
        if self.core.limits.filler_sec is not None and response.options.is_audio:
            since = response.endpoint_at or self.core.now
            self.core.set_deadline(
                "silence", max(since + self.core.limits.filler_sec, self.core.now + LEAST_SILENCE_SEC)
            )

    def expect_user(self, response: Response) -> None:
        """Of a response that has ended."""
        timeout_ms = self.core.turn_detection.idle_timeout_ms
        if timeout_ms is not None and response.status == "completed":
            self.core.set_deadline("idle", played_out_at(response, self.core.now) + timeout_ms / 1000)
