"""A turn's waterfall as bars to draw: what the time from the endpoint to the end of the reply went into."""

from collections.abc import Mapping
from dataclasses import dataclass

# The step that ends each piece of work, and the work.
STEPS = (
    ("transcript", "Speech to text"),
    ("first_token", "Model’s first word"),
    ("first_clause", "First clause"),
    ("first_audio", "First sound"),
    ("done", "Rest of the reply"),
)


@dataclass(frozen=True, slots=True)
class Bar:
    step: str
    label: str
    start_ms: float  # since the endpoint
    end_ms: float
    total_ms: float

    @property
    def took_ms(self) -> float:
        return self.end_ms - self.start_ms

    @property
    def left_percent(self) -> float:
        return 100 * self.start_ms / self.total_ms

    @property
    def width_percent(self) -> float:
        """At least a hair's breadth, so that a step of no time is still seen."""
        return max(0.6, 100 * self.took_ms / self.total_ms)


def bars(waterfall: Mapping[str, float]) -> list[Bar]:
    """One for each step that the turn came to, each from where the one before it ended."""
    reached = [(step, label, waterfall[step]) for step, label in STEPS if step in waterfall]
    total_ms = max((ms for _, _, ms in reached), default=0) or 1
    ends = [waterfall.get("endpoint", 0), *(ms for _, _, ms in reached)]
    return [
        # A step may be stamped a moment before the one it follows from: the first clause can come with the first word.
        Bar(step, label, min(start_ms, end_ms), end_ms, total_ms)
        for start_ms, (step, label, end_ms) in zip(ends, reached, strict=False)
    ]
