"""What the engines bring of a response while it must not be heard, since the user may be interrupting it."""

from conversations.realtime import engine_events
from conversations.realtime.agent_turn.preemptive_generation import GenerationEvent

TimedEvents = list[tuple[float, GenerationEvent]]  # each with the time at which it came


class HeldEvents:
    """Keep the events of the running response, in order, until it may go on."""

    def __init__(self) -> None:
        self._events: TimedEvents | None = None  # None: nothing is held back

    @property
    def is_holding(self) -> bool:
        """Return whether the response is held back."""
        return self._events is not None

    def hold(self) -> None:
        """Start keeping events."""
        self._events = []

    def add(self, event: GenerationEvent, at: float, reached: int) -> bool:
        """Keep an event that came at `at`, and return whether it was kept: thinking is reported at once.

        So is a text that turned out to be a thought. What came of it is dropped, but for the first `reached` clauses,
        which have begun to sound.
        """
        if self._events is None or isinstance(event, engine_events.Thinking):
            return False
        if isinstance(event, engine_events.TextWithdrawn):
            spoken = engine_events.SpeechAudio | engine_events.SpeechDone
            self._events = [one for one in self._events if isinstance(one[1], spoken) and one[1].index < reached]
            return False
        self._events.append((at, event))
        return True

    def release(self) -> TimedEvents:
        """Stop keeping events, and return those that were kept."""
        events, self._events = self._events or [], None
        return events
