"""GET /v1/openapi.json: the HTTP API described in OpenAPI 3.1, made from the table that serves it."""

import re
from functools import cache
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, JsonResponse
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from conversations.api.operations import FORM, OGG, OPERATIONS, Operation
from conversations.api.shapes import outputs

REF = "#/components/schemas/{model}"
DESCRIPTION = """Conversations with the assistants of this site. What goes over the WebSocket at /v1/realtime is in
/v1/asyncapi.json. Errors have the shape of `Error`; keys that you do not know are to be ignored."""
RATE_HEADERS = {
    "x-ratelimit-limit-requests": "Requests that you may make in a minute.",
    "x-ratelimit-remaining-requests": "How many of them are left.",
    "x-ratelimit-reset-requests": "When the next minute begins, such as 17s.",
}
JSON = "application/json"
BYTES = {"type": "string", "format": "binary"}


def served(request: HttpRequest) -> JsonResponse:
    return JsonResponse(document())


@cache
def document() -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Voiceproject", "version": "1", "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key: vp_…"}},
            "headers": {
                name: {"description": text, "schema": {"type": "string"}} for name, text in RATE_HEADERS.items()
            },
        },
    }


def _described(operation: Operation) -> dict[str, Any]:
    scope = f"Takes the scope `{operation.scope.value}`." if operation.scope else "Takes any key."
    described: dict[str, Any] = {
        "operationId": operation.view.__module__.rpartition(".")[2] + "_" + operation.view.__name__,
        "summary": operation.summary,
        "description": scope,
        "parameters": [*map(_path_parameter, re.findall(r"{(\w+)}", operation.path)), *_query(operation.query)],
        "responses": {"200": _answer(operation), **{status: _error(text) for status, text in _errors(operation)}},
    }
    if operation.body:
        described["requestBody"] = _body(operation.body)
    if operation.answer == OGG and "item_id" in operation.path:
        described["parameters"].append({"name": "Range", "in": "header", "schema": {"type": "string"}})
        described["responses"] |= {"206": _answer(operation), "416": _error("The range lies behind the end.")}
    return described


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _query(shape: type[BaseModel] | None) -> list[dict[str, Any]]:
    schema = shape.model_json_schema() if shape else {"properties": {}}
    return [
        {"name": name, "in": "query", "description": one.pop("description", ""), "schema": _plain(one)}
        for name, one in schema["properties"].items()
    ]


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A query holds no null: what may be absent is of the other type."""
    other = [one for one in schema.pop("anyOf", []) if one != {"type": "null"}]
    kept = {key: value for key, value in schema.items() if (key, value) != ("default", None)}
    return kept | (other[0] if other else {})


def _answer(operation: Operation) -> dict[str, Any]:
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in RATE_HEADERS}
    return {"description": operation.summary, "headers": headers, "content": _content(operation.answer)}


def _body(body: type[BaseModel] | tuple[str, ...]) -> dict[str, Any]:
    is_required = isinstance(body, tuple) or any(field.is_required() for field in body.model_fields.values())
    return {"required": is_required, "content": _content(body)}


def _content(what: type[BaseModel] | tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(what, tuple):
        return {JSON: {"schema": _ref(what)}}
    content: dict[str, Any] = {media_type: {"schema": BYTES} for media_type in what}
    if FORM in content:
        content[FORM] = {"schema": {"type": "object", "required": ["file"], "properties": {"file": BYTES}}}
    return content


def _errors(operation: Operation) -> list[tuple[str, str]]:
    errors = [("401", "There is no valid API key."), ("429", "You have made too many requests in this minute.")]
    if operation.body or operation.query:
        errors.append(("400", "What was asked for is wrong; `param` names the key."))
    if operation.body:
        errors.append(("413", "The body is too large."))
    if operation.scope:
        errors.append(("403", "The API key lacks the scope."))
    errors += [(str(status), HTTPStatus(status).phrase) for status in operation.failures]
    if "{" in operation.path or operation.query or operation.scope == "realtime":
        errors.append(("404", "There is nothing of that id, or it is another user's."))
    return sorted(errors)


def _error(text: str) -> dict[str, Any]:
    return {"description": text, "content": {JSON: {"schema": _ref(outputs.Error)}}}


def _ref(shape: type[BaseModel]) -> dict[str, str]:
    return {"$ref": REF.format(model=shape.__name__)}


def _schemas() -> dict[str, Any]:
    named: set[type[BaseModel]] = {outputs.Error}
    for operation in OPERATIONS:
        named |= {shape for shape in (operation.body, operation.answer) if isinstance(shape, type)}
    ordered = sorted(named, key=lambda shape: shape.__name__)
    schemas: dict[str, Any] = models_json_schema([(shape, "validation") for shape in ordered], ref_template=REF)[1]
    return dict(schemas["$defs"])
