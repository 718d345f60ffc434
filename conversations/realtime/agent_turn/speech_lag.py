"""How far the speech of a response falls behind its playback, measured in seconds of sound."""

from dataclasses import dataclass
from math import inf

# A second of sound makes up for only this much lag, so that speech far slower than playback is given up in the end.
MADE_UP = 0.25


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
