"""Refusals of the protocol. Each becomes one `error` event; the session goes on."""

from dataclasses import dataclass


class ProtocolError(Exception):
    """`param` names the key path at fault; `event_id` is the client event's own, echoed exactly."""

    def __init__(self, code: str, message: str, param: str | None = None, event_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.event_id = event_id


class IllegalTransitionError(Exception):
    """An event that the turn machine cannot meet in its present state: a defect of the driver, never of a client."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an engine's work ended without a result, in words for the user."""

    code: str
    message: str
