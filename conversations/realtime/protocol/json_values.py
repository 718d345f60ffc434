"""Read JSON that can be sent back and stored (no infinities, no halves of characters), and the audio that it holds."""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from math import isinf
from typing import Any, NoReturn

from conversations.realtime.protocol.errors import ProtocolError

UNSTORABLE = re.compile(r"\\u(0000|[dD][89a-fA-F])")
UNSTORABLE_STARTS = (r"\u0000", r"\ud", r"\uD")  # found at a fraction of the expression's cost


def parse_json_object(frame: str) -> dict[str, Any]:
    """Return the JSON object that a frame holds, or raise ProtocolError."""
    try:
        data = parse_strict_json(frame)
    except ValueError:
        raise ProtocolError("invalid_json", "The frame is not valid JSON. Send one JSON object per frame.") from None
    if not isinstance(data, dict):
        raise ProtocolError("invalid_json", "The frame is not a JSON object. Send one JSON object per frame.")
    return data


def parse_strict_json(text: str) -> Any:
    """Return the value that a JSON text stands for.

    Raise ValueError for what is no JSON, what Postgres could not hold, or what the wire could not send back.
    """
    try:
        data = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("It is nested too deeply.") from None
    if (
        any(start in text for start in UNSTORABLE_STARTS)
        and UNSTORABLE.search(text)
        and any(map(_is_unstorable, _list_strings(data)))
    ):
        raise ValueError("A text in it contains NUL, or half of a surrogate pair.")
    return data


def decode_audio(audio: object, param: str = "audio") -> bytes:
    """Return the bytes of base64 audio; half a sample at the end is legal, since an append may split one.

    Raise ProtocolError with the path `param` if it is missing or no base64.
    """
    if audio is None:
        raise ProtocolError(
            "missing_required_parameter", f"'{param}' is missing. It must be PCM audio in base64.", param
        )
    if not isinstance(audio, str):
        raise ProtocolError("invalid_value", f"'{param}' must be a base64 string.", param)
    try:
        return base64.b64decode(audio, validate=True)
    except (binascii.Error, ValueError):
        raise ProtocolError("invalid_value", f"'{param}' is not valid base64.", param) from None


def _parse_finite(text: str) -> float:
    """Return a number. `1e999` is JSON, but the infinity that Python makes of it could not be sent back."""
    if isinf(number := float(text)):
        raise ValueError(f"{text} is too large")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# Made once: `json.loads` would make one for every frame.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_parse_finite)


def _is_unstorable(text: str) -> bool:
    """Return whether a text has half a surrogate pair or NUL: neither UTF-8 nor Postgres can hold those."""
    try:
        return b"\x00" in text.encode()
    except UnicodeEncodeError:
        return True


def _list_strings(data: object) -> Iterator[str]:
    """Yield all strings in a value. It does not recurse, which would cost each string its depth, and the stack."""
    found = [data]
    while found:
        value = found.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            found += [*value, *value.values()]
        elif isinstance(value, list):
            found += value
