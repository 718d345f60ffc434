"""The deadlines that the turn machines ask the driver to report."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "filler",  # a tool has run for so long that a few words should bridge the silence
    "half_sample",  # the second byte of a sample has not come
    "idle",  # the user has been silent since the last response
    "out_of_band",  # an out-of-band response makes no progress
    "preemptive",  # the first sound of the preemptive generation is about to come
    "response",  # the running response makes no progress
    "silence",  # nothing is heard of the response that is due
    "stall",  # the microphone sends nothing amid speech
    "suspicion",  # what sounded like an interruption was none
    "transcript",  # the words of an utterance have not come
]


@dataclass(frozen=True, slots=True, order=True)
class Deadline:
    """One deadline. `of` is the id of the item or response it belongs to, if there may be several at a time."""

    kind: Kind
    of: str = ""
