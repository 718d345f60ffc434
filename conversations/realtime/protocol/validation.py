"""Check what a client sent against the types of the `openai` package, and name what is wrong in a client's words."""

import re
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from conversations.realtime.protocol.errors import ProtocolError

Model = TypeVar("Model", bound=BaseModel)

# pydantic names the member of a union that it tried ("RealtimeFunctionTool", "int"); no client wrote that key.
UNION_MEMBER = re.compile(r"[A-Z]|\[|function-|literal\[|int$|str$|server_vad$|semantic_vad$|audio/")


def validate_event(shape: type[Model], data: dict[str, Any], root: str = "") -> Model:
    """Return `data` as the typed model, or raise ProtocolError that names the first fault as a path below `root`."""
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        # Of a union every member complains; the deepest complaint comes from the member that was meant, and the others
        # complain of its type.
        faults = error.errors()
        fault = max(faults, key=lambda one: (len(one["loc"]), one["loc"][-1] != "type"))
        param = _name_param(root, fault)
        if fault["type"] == "missing":
            raise ProtocolError("missing_required_parameter", f"'{param}' is missing.", param) from None
        complaint = fault["msg"]
        if fault["type"] == "literal_error":
            # Of its place only: a wrong key elsewhere has other names.
            same = (one for one in faults if one["type"] == "literal_error" and _name_param(root, one) == param)
            named = (one["ctx"]["expected"] for one in same)
            complaint = f"Input should be {' or '.join(dict.fromkeys(named))}"
        raise ProtocolError("invalid_value", f"'{param}' is not valid: {complaint}.", param) from None


def _name_param(root: str, fault: ErrorDetails) -> str:
    return ".".join([root] * bool(root) + [str(key) for key in fault["loc"] if not UNION_MEMBER.match(str(key))])
