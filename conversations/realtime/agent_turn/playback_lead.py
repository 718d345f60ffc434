"""How far the speech sent so far is ahead of its playback."""


class PlaybackLead:
    """The seconds of speech that were sent and not yet played, for a client that plays in real time.

    Times are seconds of the driver's clock. While the lead is held nothing is played, so what is sent adds up.
    With `plays_live` False the client stores the speech instead of playing it, so the lead stays at zero.
    """

    def __init__(self, *, is_held: bool = False, plays_live: bool = True) -> None:
        self._plays_live = plays_live
        self._plays_until = 0.0
        self._held_sec: float | None = 0.0 if is_held else None

    @property
    def is_held(self) -> bool:
        """Return whether playback is held."""
        return self._held_sec is not None

    def measure_sec(self, now: float) -> float:
        """Return the lead in seconds."""
        return max(0.0, self._plays_until - now) if self._held_sec is None else self._held_sec

    def add(self, seconds: float, now: float) -> None:
        """Add `seconds` of speech just sent. A client that had nothing left to play starts playing it now."""
        if not self._plays_live:
            return
        ahead = self.measure_sec(now) + seconds
        if self._held_sec is None:
            self._plays_until = now + ahead
        else:
            self._held_sec = ahead

    def hold(self, now: float) -> None:
        """Stop counting playback until `release`."""
        self._held_sec = self.measure_sec(now)

    def release(self, now: float) -> None:
        """Count playback again from now on."""
        self._plays_until, self._held_sec = now + self.measure_sec(now), None
