"""What the turn machine has to tell the metrics."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Tally:
    """Speculation hit or miss; interruption confirmed or resumed."""

    name: Literal["speculation", "interruption"]
    outcome: Literal["hit", "miss", "confirmed", "resumed"]


@dataclass(frozen=True, slots=True)
class Played:
    """Playback of a response began, in ms since the endpoint."""

    ms: int


@dataclass(frozen=True, slots=True)
class Discard:
    """What a reply that was begun ahead and not used has cost, about."""

    input_tokens: int
    output_tokens: int
    tts_characters: int


Figure = Tally | Discard | Played
