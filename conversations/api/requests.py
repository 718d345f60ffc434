"""Read a request into a pydantic model; an error names the key at fault by its path, such as `items[0].role`."""

from collections.abc import Sequence
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from pydantic import BaseModel, ValidationError

from conversations.api.errors import APIError
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.json_values import parse_json_object

Model = TypeVar("Model", bound=BaseModel)


def parse_query(request: HttpRequest, shape: type[Model]) -> Model:
    """Return the query string in this shape, or raise APIError.

    Keys that the shape does not know are ignored, and of a repeated one the last counts.
    """
    given = {key: value for key, value in request.GET.items() if key in shape.model_fields}
    try:
        return shape.model_validate(given)
    except ValidationError as error:
        raise explain(error, given) from None


def parse_body(request: HttpRequest, shape: type[Model]) -> Model:
    """Return the body, a JSON object, in this shape, or raise APIError.

    An empty body counts as {}. Nothing is converted: "1" is no number.
    """
    given = decode_body(request)
    try:
        return shape.model_validate(given, strict=True)
    except ValidationError as error:
        raise explain(error, given) from None


def decode_body(request: HttpRequest) -> dict[str, Any]:
    """Return the body as a JSON object. Raise APIError if it is too large, or no JSON that can be stored."""
    try:
        return parse_json_object(request.body.decode() or "{}")
    except RequestDataTooBig:
        message = f"The body of the request is too large. The limit is {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes."
        raise APIError(413, "request_too_large", message) from None
    except (ProtocolError, UnicodeDecodeError):
        raise APIError(
            400, "invalid_json", "The body must be a JSON object in UTF-8, without NUL characters."
        ) from None


def explain(error: ValidationError, given: object) -> APIError:
    """Return the API's error for pydantic's.

    Every member of a union complains; the deepest complaint comes from the member that was meant.
    """
    faults = [(_locate(fault["loc"], given), fault) for fault in error.errors(include_url=False)]
    (param, _), fault = max(faults, key=lambda pair: pair[0][1])
    if fault["type"] == "missing":
        param = f"{param}.{fault['loc'][-1]}" if param else str(fault["loc"][-1])
        return APIError(400, "missing_required_parameter", f"'{param}' is missing.", param=param)
    return APIError(400, "invalid_value", f"'{param}' is not valid: {fault['msg']}.", param=param)


def _locate(loc: Sequence[int | str], given: object) -> tuple[str, int]:
    """Return the path of the fault in what was given, and how deep it lies.

    pydantic also names the members of unions on the way, which the path leaves out.
    """
    path, depth = "", 0
    for key in loc:
        if isinstance(key, int) and isinstance(given, list) and key < len(given):
            path, given = f"{path}[{key}]", given[key]
        elif isinstance(given, dict) and key in given:
            path, given = f"{path}.{key}" if path else str(key), given[key]
        else:
            continue
        depth += 1
    return path, depth


def build_response(shown: BaseModel) -> HttpResponse:
    """Return the model as a JSON answer, without the keys that have no value."""
    return HttpResponse(shown.model_dump_json(exclude_none=True), content_type="application/json")
