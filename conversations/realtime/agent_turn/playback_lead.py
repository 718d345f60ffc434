"""How far the speech that was sent is ahead of a client that plays it in real time."""


class PlaybackLead:
    """In seconds; `now` is the driver's clock. While held nothing is played, and what is sent adds up.

    `plays_live` False: the client keeps the speech as a file, however soon it comes.
    """

    def __init__(self, *, is_held: bool = False, plays_live: bool = True) -> None:
        self._plays_live = plays_live
        self._plays_until = 0.0
        self._held_sec: float | None = 0.0 if is_held else None

    @property
    def is_held(self) -> bool:
        return self._held_sec is not None

    def seconds(self, now: float) -> float:
        return max(0.0, self._plays_until - now) if self._held_sec is None else self._held_sec

    def add(self, seconds: float, now: float) -> None:
        """So much was sent. A client that had run dry begins anew with it."""
        if not self._plays_live:
            return
        ahead = self.seconds(now) + seconds
        if self._held_sec is None:
            self._plays_until = now + ahead
        else:
            self._held_sec = ahead

    def hold(self, now: float) -> None:
        self._held_sec = self.seconds(now)

    def release(self, now: float) -> None:
        self._plays_until, self._held_sec = now + self.seconds(now), None
