"""Check the upstream's events against the types of the `openai` package, so that the relay can rely on their fields."""

from typing import Any, get_args

from openai.types import realtime as sdk
from pydantic import BaseModel, ValidationError

from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.session_checks import check_depth

SHAPES: dict[str, type[BaseModel]] = {
    get_args(shape.model_fields["type"].annotation)[0]: shape
    for shape in get_args(get_args(sdk.RealtimeServerEvent)[0])
}


class MalformedEventError(Exception):
    """An event lacks a field that its type must have."""


def check_event(event: dict[str, Any]) -> dict[str, Any] | None:
    """Return the event, or None if its type is not known.

    Raise MalformedEventError if it lacks a field that its type must have.
    """
    kind = event.get("type")
    shape = SHAPES.get(kind) if isinstance(kind, str) else None
    if shape is None:
        return None
    try:
        check_depth(event)
        shape.model_validate(event)
    except (ProtocolError, ValidationError) as error:
        raise MalformedEventError(str(kind)) from error
    if isinstance(item := event.get("item"), dict) and not isinstance(item.get("id"), str):
        raise MalformedEventError(str(kind))
    if isinstance(response := event.get("response"), dict) and not isinstance(response.get("id"), str):
        raise MalformedEventError(str(kind))
    return event
