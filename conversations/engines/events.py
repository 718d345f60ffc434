"""What operators hear of engines: one log line, and one call to whoever counts, for each failure, retry and fallback.

Neither has a word of what was said, a provider's own words, or a key.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from conversations.engines.base import EngineAuthError, EngineBusy, EngineError, EngineQuotaError, EngineRejected, Kind

Outcome = Literal["failed", "refused", "retried", "fell_back"]
MAX_MODEL = 80  # characters of its name in a line

log = logging.getLogger("conversations.engines")


@dataclass(frozen=True, slots=True)
class EngineEvent:
    """`failed`: it may work the next time; `refused`: it would not; `fell_back`: the turn goes on without it."""

    engine: Kind
    provider: str
    model: str
    outcome: Outcome
    code: str
    status: int | None = None  # of HTTP

    def __str__(self) -> str:
        model = ascii(self.model[:MAX_MODEL])  # a user may have typed it
        line = f"engine_event engine={self.engine} provider={self.provider} model={model}"
        status = "" if self.status is None else f" status={self.status}"
        return f"{line} outcome={self.outcome} code={self.code}{status}"


Listener = Callable[[EngineEvent], None]
_listeners: list[Listener] = []


def add_listener(listener: Listener) -> None:
    """Call `listener` with every event from now on."""
    if listener not in _listeners:
        _listeners.append(listener)


def report(error: EngineError, outcome: Outcome | None = None) -> None:
    """Tell of `error`; without an outcome it ends what was asked of the engine."""
    ending: Outcome = "refused" if is_refusal(error) else "failed"
    publish(EngineEvent(error.kind, error.provider, error.model, outcome or ending, error.code, error.status))


def publish(event: EngineEvent) -> None:
    log.warning("%s", event)
    for listener in _listeners:
        listener(event)


def is_refusal(error: EngineError) -> bool:
    """Whether the same request would be refused once more."""
    is_quota = isinstance(error, EngineQuotaError) and not isinstance(error, EngineBusy)
    return is_quota or isinstance(error, EngineAuthError | EngineRejected)
