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
    "x-ratelimit-limit-requests": "How many requests you may make in a minute.",
    "x-ratelimit-remaining-requests": "How many of them are left.",
    "x-ratelimit-reset-requests": "When the next minute begins, such as 17s.",
}
JSON = "application/json"
BYTES = {"type": "string", "format": "binary"}


def serve(request: HttpRequest) -> JsonResponse:
    """Answer with the document."""
    return JsonResponse(build_document())


@cache
def build_document() -> dict[str, Any]:
    """Return the whole document, which is made once."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Voiceproject", "version": "1", "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": _collect_schemas(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key: vp_…"}},
            "headers": {
                name: {"description": text, "schema": {"type": "string"}} for name, text in RATE_HEADERS.items()
            },
        },
    }


def _describe(operation: Operation) -> dict[str, Any]:
    """Return the description of one operation."""
    scope = (
        f"Needs an API key with the scope `{operation.scope.value}`."
        if operation.scope
        else "Needs an API key, whatever its scopes."
    )
    described: dict[str, Any] = {
        "operationId": operation.view.__name__,
        "summary": operation.summary,
        "description": scope,
        "parameters": [
            *map(_describe_path_parameter, re.findall(r"{(\w+)}", operation.path)),
            *_describe_query(operation.query),
        ],
        "responses": {
            "200": _describe_answer(operation),
            **{status: _describe_error(text) for status, text in _list_errors(operation)},
        },
    }
    if operation.body:
        described["requestBody"] = _describe_body(operation.body)
    if operation.answer == OGG and "item_id" in operation.path:
        described["parameters"].append({"name": "Range", "in": "header", "schema": {"type": "string"}})
        described["responses"] |= {
            "206": _describe_answer(operation),
            "416": _describe_error("The range starts after the end."),
        }
    return described


def _describe_path_parameter(name: str) -> dict[str, Any]:
    """Return the description of an id in the address."""
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _describe_query(shape: type[BaseModel] | None) -> list[dict[str, Any]]:
    """Return the descriptions of what the query may hold."""
    schema = shape.model_json_schema() if shape else {"properties": {}}
    return [
        {"name": name, "in": "query", "description": one.pop("description", ""), "schema": _drop_null(one)}
        for name, one in schema["properties"].items()
    ]


def _drop_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema without null, which a query cannot hold."""
    other = [one for one in schema.pop("anyOf", []) if one != {"type": "null"}]
    kept = {key: value for key, value in schema.items() if (key, value) != ("default", None)}
    return kept | (other[0] if other else {})


def _describe_answer(operation: Operation) -> dict[str, Any]:
    """Return the description of the answer with 200."""
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in RATE_HEADERS}
    return {"description": operation.summary, "headers": headers, "content": _describe_content(operation.answer)}


def _describe_body(body: type[BaseModel] | tuple[str, ...]) -> dict[str, Any]:
    """Return the description of the body."""
    is_required = isinstance(body, tuple) or any(field.is_required() for field in body.model_fields.values())
    return {"required": is_required, "content": _describe_content(body)}


def _describe_content(what: type[BaseModel] | tuple[str, ...]) -> dict[str, Any]:
    """Return the schema of a shape, or that of bytes for each media type."""
    if not isinstance(what, tuple):
        return {JSON: {"schema": _refer_to(what)}}
    content: dict[str, Any] = {media_type: {"schema": BYTES} for media_type in what}
    if FORM in content:
        content[FORM] = {"schema": {"type": "object", "required": ["file"], "properties": {"file": BYTES}}}
    return content


def _list_errors(operation: Operation) -> list[tuple[str, str]]:
    """Return each status that the operation may fail with, and why."""
    errors = [
        ("401", "The API key is missing or wrong."),
        ("429", "You have made too many requests in the last minute."),
    ]
    if operation.body or operation.query:
        errors.append(("400", "The request is wrong. `param` names the key at fault."))
    if operation.body:
        errors.append(("413", "The body is too large."))
    if operation.scope:
        errors.append(("403", "The API key does not have the scope."))
    errors += [(str(status), HTTPStatus(status).phrase) for status in operation.failures]
    if "{" in operation.path or operation.query or operation.scope == "realtime":
        errors.append(("404", "There is nothing with that id, or it belongs to another user."))
    return sorted(errors)


def _describe_error(text: str) -> dict[str, Any]:
    """Return the description of an answer that is an error."""
    return {"description": text, "content": {JSON: {"schema": _refer_to(outputs.Error)}}}


def _refer_to(shape: type[BaseModel]) -> dict[str, str]:
    """Return a reference to the schema of a shape."""
    return {"$ref": REF.format(model=shape.__name__)}


def _collect_schemas() -> dict[str, Any]:
    """Return the schemas of all shapes that operations take or answer with."""
    named: set[type[BaseModel]] = {outputs.Error}
    for operation in OPERATIONS:
        named |= {shape for shape in (operation.body, operation.answer) if isinstance(shape, type)}
    ordered = sorted(named, key=lambda shape: shape.__name__)
    schemas: dict[str, Any] = models_json_schema([(shape, "validation") for shape in ordered], ref_template=REF)[1]
    return dict(schemas["$defs"])
