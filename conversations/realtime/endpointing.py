"""When speech begins and when the utterance has ended, from one speech probability per window.

Pure: probabilities in, edges out. Silero answers for windows of 32 ms; a click or a breath can fill one
window, so it takes two to begin. Falling uses a lower threshold than rising, since probabilities
flutter inside words (the hysteresis that Silero's own iterator uses).
"""

from dataclasses import dataclass
from enum import Enum

WINDOW_SAMPLES = 768  # 32 ms at 24 kHz
ONSET_WINDOWS = 2
HYSTERESIS = 0.15


class Edge(Enum):
    STARTED = "started"
    STOPPED = "stopped"


@dataclass(slots=True)
class Endpointer:
    """`onset` is the position, in samples of the session, where the speech now heard began."""

    threshold: float
    silence_samples: int
    speaking: bool = False
    onset: int = 0
    _rising: int = 0
    _quiet_since: int | None = None

    def feed(self, probability: float, window_end: int) -> Edge | None:
        return (
            self._while_speaking(probability, window_end)
            if self.speaking
            else self._while_quiet(probability, window_end)
        )

    def _while_quiet(self, probability: float, window_end: int) -> Edge | None:
        if probability < self.threshold:
            self._rising = 0
            return None
        self._rising += 1
        if self._rising < ONSET_WINDOWS:
            return None
        self.speaking = True
        self.onset = max(0, window_end - ONSET_WINDOWS * WINDOW_SAMPLES)
        self._quiet_since = None
        return Edge.STARTED

    def _while_speaking(self, probability: float, window_end: int) -> Edge | None:
        if probability >= max(self.threshold - HYSTERESIS, 0.01):
            self._quiet_since = None
            return None
        if self._quiet_since is None:
            self._quiet_since = window_end - WINDOW_SAMPLES
        if window_end - self._quiet_since < self.silence_samples:
            return None
        self.reset()
        return Edge.STOPPED

    def reset(self) -> None:
        """Back to waiting for speech."""
        self.speaking = False
        self._rising = 0
        self._quiet_since = None
