"""Whether what the upstream sends is what the relay reads: the types of the `openai` package."""

from typing import Any, get_args

from openai.types import realtime as sdk
from pydantic import BaseModel, ValidationError

from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.session_checks import check_depth

SHAPES: dict[str, type[BaseModel]] = {
    get_args(shape.model_fields["type"].annotation)[0]: shape
    for shape in get_args(get_args(sdk.RealtimeServerEvent)[0])
}


class NoEventError(Exception):
    pass


def read(event: dict[str, Any]) -> dict[str, Any] | None:
    """The event; None for a kind that is not known. Raises NoEventError for one that lacks what its kind has."""
    kind = event.get("type")
    shape = SHAPES.get(kind) if isinstance(kind, str) else None
    if shape is None:
        return None
    try:
        check_depth(event)
        shape.model_validate(event)
    except (ProtocolError, ValidationError) as error:
        raise NoEventError(str(kind)) from error
    if isinstance(item := event.get("item"), dict) and not isinstance(item.get("id"), str):
        raise NoEventError(str(kind))
    if isinstance(response := event.get("response"), dict) and not isinstance(response.get("id"), str):
        raise NoEventError(str(kind))
    return event
