"""Detect when speech begins, pauses and goes on, from one speech probability for each window of audio.

It is pure: probabilities in, edges out. `endpointing` decides when the utterance has ended. Silero judges windows of 32
ms, and a click or a breath can fill one of them, so an onset takes two. The threshold for falling is lower than that
for rising, since probabilities flutter inside words (the hysteresis of Silero's own iterator); in a pause only the
higher one counts.
"""

from dataclasses import dataclass
from enum import Enum

WINDOW_SAMPLES = 768  # 32 ms at 24 kHz
HYSTERESIS = 0.15
PAUSE_WINDOWS = 3  # of quiet, after which speech has to begin anew


class SpeechEdge(Enum):
    """A change that one window of audio can bring: speech began, or went on after a pause."""

    STARTED = "started"
    RESUMED = "resumed"


@dataclass(frozen=True, slots=True)
class Onset:
    """The criteria for an onset: how many windows in a row, and how far each must exceed the session's threshold."""

    windows: int
    margin: float = 0.0


IN_SILENCE = Onset(2)
# The assistant speaks: what the echo canceller of a laptop leaves of its voice must not count as the user's.
OVER_SPEECH = Onset(3, 0.2)
# Its playback has just begun: the canceller has not adapted yet.
AFTER_PLAYBACK_START = Onset(5, 0.3)


@dataclass(slots=True)
class OnsetDetector:
    """The detector of one session. `onset` is the position at which the present speech began, in samples."""

    threshold: float
    speaking: bool = False
    onset: int = 0
    quiet_samples: int = 0  # since the last speech
    rising: int = 0  # windows in a row that may become an onset

    def feed(self, probability: float, window_end: int, onset: Onset = IN_SILENCE) -> SpeechEdge | None:
        """Return the edge that the next window brings, if any.

        The window has this probability of speech, and ends at the position `window_end`.
        """
        if self.speaking:
            return self._follow_speech(probability)
        self.rising = self.rising + 1 if probability >= min(self.threshold + onset.margin, 0.95) else 0
        if self.rising < onset.windows:
            return None
        self.onset = max(0, window_end - self.rising * WINDOW_SAMPLES)
        self.speaking, self.quiet_samples = True, 0
        return SpeechEdge.STARTED

    @property
    def is_in_pause(self) -> bool:
        """Return whether it has been quiet for longer than inside a word. Speech after that is a RESUMED edge."""
        return self.quiet_samples >= PAUSE_WINDOWS * WINDOW_SAMPLES

    def _follow_speech(self, probability: float) -> SpeechEdge | None:
        in_pause = self.is_in_pause
        if probability < max(self.threshold - (0 if in_pause else HYSTERESIS), 0.01):
            self.quiet_samples += WINDOW_SAMPLES
            return None
        self.quiet_samples = 0
        return SpeechEdge.RESUMED if in_pause else None

    def reset(self) -> None:
        """Go back to waiting for speech."""
        self.speaking = False
        self.rising = self.quiet_samples = 0
