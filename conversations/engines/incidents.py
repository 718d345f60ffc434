"""What operators learn of engines: each failure, retry and fallback is logged, and passed to those who count them.

Neither the log line nor the incident holds a word of the conversation, of the provider's message, or a key.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from conversations.engines.engine_kinds import EngineKind
from conversations.engines.errors import EngineAuthError, EngineBusy, EngineError, EngineQuotaError, EngineRejected

Outcome = Literal["failed", "refused", "retried", "fell_back", "circuit_opened", "circuit_closed"]
MAX_MODEL = 80  # characters of a model's name in a log line

log = logging.getLogger("conversations.engines")


@dataclass(frozen=True, slots=True)
class EngineIncident:
    """One failure, retry or fallback of an engine, or a change of its circuit.

    The outcome is "failed" (the next try may work), "refused" (it would not), "retried" (it is being tried again),
    "fell_back" (the turn goes on by another engine, or without one), "circuit_opened" (it is skipped from now on where
    another engine can answer) or "circuit_closed" (it has answered again).
    """

    engine: EngineKind
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


Listener = Callable[[EngineIncident], None]
_listeners: list[Listener] = []


def add_listener(listener: Listener) -> None:
    """Call `listener` with every incident from now on."""
    if listener not in _listeners:
        _listeners.append(listener)


def report(error: EngineError, outcome: Outcome | None = None) -> None:
    """Publish `error`. Without an `outcome` it is the end of the request: "refused" or "failed"."""
    ending: Outcome = "refused" if is_refusal(error) else "failed"
    publish(EngineIncident(error.kind, error.provider, error.model, outcome or ending, error.code, error.status))


def publish(incident: EngineIncident) -> None:
    """Log the incident, and pass it to every listener."""
    log.warning("%s", incident)
    for listener in _listeners:
        listener(incident)


def is_refusal(error: EngineError) -> bool:
    """Return whether the same request would be refused again."""
    is_quota = isinstance(error, EngineQuotaError) and not isinstance(error, EngineBusy)
    return is_quota or isinstance(error, EngineAuthError | EngineRejected)
