"""What the turn machine measures, for the metrics."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class DecisionOutcome:
    """How a decision that had to be taken early turned out.

    A preemptive generation is a hit or a miss. An interruption, for which the reply was paused, is confirmed by words,
    or the reply is resumed.
    """

    decision: Literal["preemptive_generation", "interruption"]
    outcome: Literal["hit", "miss", "confirmed", "resumed"]


@dataclass(frozen=True, slots=True)
class PlaybackLatency:
    """The time from the endpoint to the start of playback of the response, in ms."""

    ms: int


@dataclass(frozen=True, slots=True)
class DiscardedUsage:
    """An estimate of what a preemptive generation has cost that was not used."""

    input_tokens: int
    output_tokens: int
    tts_characters: int


Measurement = DecisionOutcome | PlaybackLatency | DiscardedUsage
