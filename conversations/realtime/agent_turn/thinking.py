"""How long a model may think before it answers. Meanwhile the turn's budget stands still, as while tools run."""

from dataclasses import dataclass

REPORTED_SEC = 1.0  # between two reports of a model that thinks: until the next is due, it is taken to go on


@dataclass(slots=True)
class ThinkingBudget:
    """Of one response. A pause between two thoughts is a part of them; what the model says ends them."""

    left_sec: float  # that it may still think
    until: float | None = None  # it is taken to think; None: it does not

    def goes_on(self, at: float) -> float:
        """Return by how many seconds this moves what the response is due by."""
        until = at + REPORTED_SEC
        moved_sec = min(self.left_sec, until - (at if self.until is None else min(self.until, until)))
        self.left_sec -= moved_sec
        self.until = until
        return moved_sec

    def end(self) -> None:
        self.until = None
