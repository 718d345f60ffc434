"""The event that tells a client why its connection is about to be closed."""

import json

from conversations.close_codes import get_error_type
from conversations.realtime.protocol.ids import make_id


def build_goodbye(close_code: int, code: str, message: str, event_id: str = "") -> str:
    """Return the frame of an `error` that comes before a close with this code. Without `event_id` it gets a new one."""
    error = {"type": get_error_type(close_code), "code": code, "message": message, "param": None, "event_id": None}
    return json.dumps({"type": "error", "event_id": event_id or make_id("event"), "error": error})
