"""How far the speech of a reply falls behind while it is played: in seconds of sound, not in pieces that came."""

from dataclasses import dataclass
from math import inf

# What comes makes up for a part of its length only, so that speech at little more than half its pace is given up too.
MADE_UP = 0.25


@dataclass(slots=True)
class SpeechLag:
    """It grows while a client has nothing more to play and text to speech owes sound; a model that pauses owes none."""

    seconds: float = 0.0
    owed_since: float | None = None  # when speech that was asked for was due

    def owe(self, at: float, *, is_owed: bool) -> None:
        """Speech was asked for, or playback goes on after a pause."""
        if not is_owed:
            self.owed_since = None
        elif self.owed_since is None:
            self.owed_since = at

    def came(self, at: float, plays_until: float, sound_sec: float, *, is_owed: bool) -> None:
        """So much sound has come. `plays_until`: when what came before will have been, or was, played."""
        self.seconds = max(0.0, self.seconds + max(0.0, at - self._dry_since(plays_until)) - MADE_UP * sound_sec)
        self.owed_since = at if is_owed else None

    def reaches(self, most_sec: float, plays_until: float) -> float:
        """When it will, should no more sound come."""
        return self._dry_since(plays_until) + most_sec - self.seconds

    def _dry_since(self, plays_until: float) -> float:
        return inf if self.owed_since is None else max(self.owed_since, plays_until)
