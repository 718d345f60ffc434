"""A turn's waterfall as bars to draw: what the time around the endpoint, up to the end of the reply, went into.

Zero is the endpoint: the moment at which it was decided that the user had finished. What was done ahead of it, in a
short pause, has negative times.
"""

from collections.abc import Mapping
from dataclasses import dataclass

# The step that ends each piece of work, and the work.
STEPS = (
    ("transcript", "Speech to text"),
    ("first_token", "Model’s first word"),
    ("first_clause", "First clause"),
    ("first_audio", "First sound"),
    ("playback", "Playback began"),
    ("done", "Rest of the reply"),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """One step of a turn, and where its bar stands in the picture."""

    step: str
    label: str
    start_ms: float  # since the endpoint
    end_ms: float
    from_ms: float  # what the picture begins with; negative where something was done ahead
    total_ms: float

    @property
    def took_ms(self) -> float:
        """Return how long the step took, in milliseconds."""
        return self.end_ms - self.start_ms

    @property
    def is_ahead(self) -> bool:
        """Tell whether the step was done before the endpoint, so that the user did not wait for it."""
        return self.end_ms < 0

    @property
    def left_percent(self) -> float:
        """Return where the bar begins, in percent of the picture's width."""
        return min(self._to_percent(self.start_ms), 100 - self.width_percent)

    @property
    def width_percent(self) -> float:
        """Return how wide the bar is; at least a hair's breadth, so that a step of no time is still seen."""
        return max(0.6, 100 * self.took_ms / self.total_ms)

    @property
    def endpoint_percent(self) -> float:
        """Return where the endpoint stands, in percent of the picture's width."""
        return self._to_percent(0)

    def _to_percent(self, ms: float) -> float:
        """Return where a moment stands, in percent of the picture's width."""
        return 100 * (ms - self.from_ms) / self.total_ms


def build_bars(waterfall: Mapping[str, float]) -> list[Bar]:
    """Return a bar for each step that the turn came to; it begins where the step before it ended."""
    reached = [(step, label, waterfall[step]) for step, label in STEPS if step in waterfall]
    moments = [0, *(ms for _, _, ms in reached)]
    from_ms, total_ms = min(moments), (max(moments) - min(moments)) or 1
    drawn, start_ms = [], waterfall.get("endpoint", 0)
    for step, label, end_ms in reached:
        # A step may be stamped before the one it follows from: the first clause can come with the first word, and
        # when work done ahead began is not known.
        drawn.append(Bar(step, label, min(start_ms, end_ms), end_ms, from_ms, total_ms))
        # The rest of the reply is made while the beginning plays, and is often done before the page says so.
        start_ms = start_ms if step == "playback" else end_ms
    return drawn
