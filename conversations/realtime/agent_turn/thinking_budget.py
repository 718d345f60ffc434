"""How long a model may think before it answers. Meanwhile the turn's budget does not run, as while tools run."""

from dataclasses import dataclass

REPORTED_SEC = 1.0  # how often a thinking model is reported: it counts as thinking until the next report is due


@dataclass(slots=True)
class ThinkingBudget:
    """The seconds that the model may still think in one response.

    A pause between two thoughts counts as thinking; the first word of the answer ends it.
    """

    left_sec: float
    until: float | None = None  # until when the model counts as thinking; None: it does not think

    def extend(self, at: float) -> float:
        """Note that the model thinks at `at`, and return by how many seconds this postpones the response's deadline."""
        until = at + REPORTED_SEC
        moved_sec = min(self.left_sec, until - (at if self.until is None else min(self.until, until)))
        self.left_sec -= moved_sec
        self.until = until
        return moved_sec

    def end(self) -> None:
        """Note that the model has stopped thinking."""
        self.until = None
