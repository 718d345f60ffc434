"""How much of a response's sound a client has played, and how far the sound falls behind."""

from dataclasses import dataclass
from math import inf

# A second of sound makes up for only this much lag, so that speech far slower than playback is given up in the end.
MADE_UP = 0.25


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


@dataclass(slots=True)
class SpeechLag:
    """How long a client had nothing to play although text to speech was asked for sound.

    A pause of the language model does not count: it owes no sound. All times are in seconds.
    """

    seconds: float = 0.0
    owed_since: float | None = None  # since when text to speech owes sound; None: it owes none

    def mark_owed(self, at: float, *, is_owed: bool) -> None:
        """Note that text to speech owes sound from `at` on, or owes none."""
        if not is_owed:
            self.owed_since = None
        elif self.owed_since is None:
            self.owed_since = at

    def add_sound(self, at: float, plays_until: float, sound_sec: float, *, is_owed: bool) -> None:
        """Count `sound_sec` of sound that came at `at`; `plays_until` is when the sound before it is played out."""
        self.seconds = max(0.0, self.seconds + max(0.0, at - self._find_dry_since(plays_until)) - MADE_UP * sound_sec)
        self.owed_since = at if is_owed else None

    def compute_limit_at(self, most_sec: float, plays_until: float) -> float:
        """Return when the lag reaches `most_sec` if no more sound comes."""
        return self._find_dry_since(plays_until) + most_sec - self.seconds

    def _find_dry_since(self, plays_until: float) -> float:
        return inf if self.owed_since is None else max(self.owed_since, plays_until)
