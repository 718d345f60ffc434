"""How much of a response's sound a client has played."""

from dataclasses import dataclass


@dataclass(slots=True)
class Playback:
    """The playback of one response, in a session of either kind. Times are seconds of the session's clock.

    A client that reports what it has played is believed. Otherwise it is estimated: sound is played in real time from
    when it was sent, or behind the sound that was sent before it. `sent_ms` is the length of all sound sent so far.
    """

    started_at: float | None = None  # when the first sound was, or will be, played; each pause moves it on
    paused_at: float | None = None

    def schedule(self, now: float, queued_ms: int) -> None:
        """Note that sound is sent now, to be played after the `queued_ms` of sound that were sent before it.

        A client that has played those already plays it at once.
        """
        self.started_at = now if self.started_at is None else max(self.started_at, now - queued_ms / 1000)

    def report(self, played_ms: int, now: float) -> float:
        """Take over how many ms the client says it has played by now, and return when it began."""
        self.started_at = now - played_ms / 1000
        return self.started_at

    def estimate_played_ms(self, now: float, sent_ms: int) -> int:
        """Return how many ms were played by now."""
        if self.started_at is None:
            return 0
        played_until = now if self.paused_at is None else self.paused_at
        return min(sent_ms, max(0, int((played_until - self.started_at) * 1000)))

    def compute_end_at(self, sent_ms: int) -> float:
        """Return when all sound will have been played, if it is not paused; 0.0 if none was sent."""
        return 0.0 if self.started_at is None else self.started_at + sent_ms / 1000

    def is_sounding(self, now: float, sent_ms: int) -> bool:
        """Return whether there is sound left to play, be it paused."""
        return self.paused_at is not None or now < self.compute_end_at(sent_ms)

    def pause(self, now: float) -> None:
        """Stop at `now`, unless it is paused already."""
        if self.paused_at is None:
            self.paused_at = now

    def resume(self, now: float) -> bool:
        """Go on from where it stopped, and return whether sound goes on."""
        paused_at, self.paused_at = self.paused_at, None
        if paused_at is None or self.started_at is None:
            return False
        self.started_at += now - paused_at
        return True
