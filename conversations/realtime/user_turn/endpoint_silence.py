"""Choose how much silence ends an utterance: by its words, its speaker's pauses, and the user's patience."""

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from conversations.realtime.text.languages.transcript_ending import Ending, judge_ending

Eagerness = Literal["low", "medium", "high"]
PATIENCE_EAGERNESS: dict[str, Eagerness] = {"patient": "low", "balanced": "medium", "quick": "high"}

MAX_WAIT_MS: dict[Eagerness, int] = {"low": 8000, "medium": 4000, "high": 2000}
UNKNOWN_WAIT_MS: dict[Eagerness, int] = {"low": 1600, "medium": 900, "high": 600}
# People pause 200 to 700 ms inside a sentence, up to about 1.6 s where they look for a word or read out a number.
WAIT_MS: dict[Eagerness, dict[Ending, int]] = {
    "low": {
        Ending.FINISHED: 800,
        Ending.LIKELY: 1300,
        Ending.DOUBTFUL: 1700,
        Ending.OPEN: 3200,
        Ending.HESITATING: 4500,
    },
    "medium": {
        Ending.FINISHED: 450,
        Ending.LIKELY: 900,
        Ending.DOUBTFUL: 1000,
        Ending.OPEN: 1800,
        Ending.HESITATING: 2400,
    },
    "high": {
        Ending.FINISHED: 300,
        Ending.LIKELY: 450,
        Ending.DOUBTFUL: 600,
        Ending.OPEN: 1000,
        Ending.HESITATING: 1400,
    },
}

PAUSES_KEPT = 16
PAUSE_MAX_MS = 1500  # beyond it the speaker was interrupted or looked something up
PAUSES_FOR_HALF_TRUST = 4
QUANTILE = 0.75
MARGIN = 1.2
SHORTEST_SHARE, LONGEST_SHARE = 0.8, 2.0

WINDOW_MS = 32
SHORT_SILENCE_MS = (128, 192, 320)
USUAL_PAUSE_MS = 400


@dataclass(slots=True)
class PauseLengths:
    """The pauses of this session after which the speaker went on with the same utterance."""

    _recent: deque[int] = field(default_factory=lambda: deque(maxlen=PAUSES_KEPT))

    def learn(self, pause_ms: int) -> None:
        """Remember a pause, in ms."""
        self._recent.append(min(pause_ms, PAUSE_MAX_MS))

    @property
    def usual_ms(self) -> int | None:
        """Return the 75th percentile of the recent pauses in ms, or None before the first."""
        ordered = sorted(self._recent)
        return ordered[int(QUANTILE * (len(ordered) - 1))] if ordered else None

    @property
    def trust(self) -> float:
        """Return how far to trust `usual_ms`: 0 without any pause, 0.5 after four, 0.8 after sixteen."""
        return len(self._recent) / (len(self._recent) + PAUSES_FOR_HALF_TRUST)


def choose_wait_ms(words: str | None, eagerness: Eagerness, pauses: PauseLengths, language: str = "") -> int:
    """Return how many ms of silence end the utterance. `words` is the transcript so far, or None.

    The base is the table's wait for how finished the words look. The speaker's own wait is a fifth more than his usual
    pause, held within 0.8 to 2 times the base; the result lies between both, nearer to his own the more pauses were
    heard. Where the words ask for more it is never less than the base: a fast speaker too looks for a word at times.
    """
    ending = judge_ending(words, language) if words is not None else None
    base = UNKNOWN_WAIT_MS[eagerness] if ending is None else WAIT_MS[eagerness][ending]
    shortest = 1.0 if ending is not None and ending >= Ending.OPEN else SHORTEST_SHARE
    own = min(max(MARGIN * (pauses.usual_ms or 0), shortest * base), LONGEST_SHARE * base)
    return min(round(base + pauses.trust * (own - base)), MAX_WAIT_MS[eagerness])


def choose_short_silence_ms(tries: int, pauses: PauseLengths) -> int:
    """Return the silence in ms, in whole VAD windows, after which preemptive attempt `tries` (from 0) starts.

    The first costs little and mostly pays. The later ones come after attempts that were in vain, so they wait longer,
    and for one who pauses long in proportion to that, at most twice as long.
    """
    base = SHORT_SILENCE_MS[min(tries, len(SHORT_SILENCE_MS) - 1)]
    if tries == 0 or pauses.usual_ms is None:
        return base
    own = base * min(max(pauses.usual_ms / USUAL_PAUSE_MS, 1.0), LONGEST_SHARE)
    return round((base + pauses.trust * (own - base)) / WINDOW_MS) * WINDOW_MS
