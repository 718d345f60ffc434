"""The entry points that both machines share: start the session, handle an event, refuse a frame."""

from collections.abc import Callable, Mapping
from typing import Any

from conversations.realtime.commands import SharedCommand
from conversations.realtime.protocol.errors import IllegalTransitionError, ProtocolError
from conversations.realtime.state import OwnCommand, SessionState

Handlers = Mapping[type, Callable[[Any], None]]


def start_session(state: SessionState[OwnCommand], now: float) -> list[SharedCommand | OwnCommand]:
    """Return the commands that tell the client of the session, its conversation and the items it holds already."""
    state.now = now
    state.announce_session()
    return state.take_commands()


def handle_event(
    state: SessionState[OwnCommand], handlers: Handlers, event: object
) -> list[SharedCommand | OwnCommand]:
    """Return the commands that the handler of this type of event decides, or those that refuse a client's mistake.

    Raise IllegalTransitionError if there is no handler.
    """
    handler = handlers.get(type(event))
    if handler is None:
        raise IllegalTransitionError(f"no handler for {type(event).__name__}")
    try:
        handler(event)
    except ProtocolError as error:
        error.event_id = error.event_id or getattr(event, "event_id", None)
        state.send_error(error)
    return state.take_commands()


def refuse_frame(state: SessionState[OwnCommand], error: ProtocolError, kind: str) -> list[SharedCommand | OwnCommand]:
    """Return the commands that report an error which no event caused, such as a frame that cannot be read.

    `kind` is the error's type on the wire.
    """
    state.begin(state.now)
    state.send_error(error, kind)
    return state.take_commands()
