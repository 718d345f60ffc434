"""GET /v1/asyncapi.json: the socket at /v1/realtime described in AsyncAPI 3, with the events as the SDK types them."""

from functools import cache
from typing import Any, get_args

from django.http import HttpRequest, JsonResponse
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from conversations.realtime.protocol.client_events import APPEND, SHAPES

REF = "#/components/schemas/{model}"
DESCRIPTION = """The OpenAI Realtime protocol. `session.created` comes first, unasked. A binary frame is a short form of
`input_audio_buffer.append`. The `output_audio_buffer` events are for clients that ask for the extension `playback`.
`session.ping` is answered by `session.pong`, ahead of all that waits."""
SERVER_EVENTS = (
    "error",
    "session.created",
    "session.updated",
    "conversation.created",
    "conversation.item.added",
    "conversation.item.done",
    "conversation.item.retrieved",
    "conversation.item.truncated",
    "conversation.item.deleted",
    "conversation.item.input_audio_transcription.delta",
    "conversation.item.input_audio_transcription.completed",
    "conversation.item.input_audio_transcription.failed",
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "input_audio_buffer.cleared",
    "input_audio_buffer.timeout_triggered",
    "output_audio_buffer.started",
    "output_audio_buffer.cleared",
    "response.created",
    "response.output_item.added",
    "response.output_item.done",
    "response.content_part.added",
    "response.content_part.done",
    "response.output_text.delta",
    "response.output_text.done",
    "response.output_audio_transcript.delta",
    "response.output_audio_transcript.done",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.mcp_call_arguments.delta",
    "response.mcp_call_arguments.done",
    "response.mcp_call.in_progress",
    "response.mcp_call.completed",
    "response.mcp_call.failed",
    "mcp_list_tools.in_progress",
    "mcp_list_tools.completed",
    "mcp_list_tools.failed",
    "response.done",
    "rate_limits.updated",
)
QUERY = {
    "model": "The assistant. Any name that is not one of yours stands for the site's default.",
    "assistant": "The assistant. It must be one of yours.",
    "conversation": "The conversation to continue.",
    "resume": "The token of a session to go on with after a lost connection (extension `resume`).",
    "after": "The `event_id` of the last event that came of it.",
    "time_zone": "The user's time zone, such as Europe/Vienna.",
}


def serve(request: HttpRequest) -> JsonResponse:
    """Answer with the document and with this site as its server."""
    server: dict[str, Any] = {"host": request.get_host(), "protocol": "wss" if request.is_secure() else "ws"}
    server["security"] = [_refer_to_scheme("key"), _refer_to_scheme("page")]
    return JsonResponse({**build_document(), "servers": {"site": server}})


@cache
def build_document() -> dict[str, Any]:
    """Return the document without its servers, which is made once."""
    server_events, client_events = _group_by_type(RealtimeServerEvent), _group_by_type(RealtimeClientEvent)
    shapes = {f"server.{name}": server_events[name] for name in SERVER_EVENTS}
    names = ("session.update", APPEND, *SHAPES)
    shapes |= {f"client.{name}": client_events.get(name) or SHAPES[name] for name in names}
    key = {"type": "http", "scheme": "bearer", "description": "An API key, vp_…, or a client secret, ek_…"}
    page = {"type": "httpApiKey", "in": "header", "name": "Sec-WebSocket-Protocol",
            "description": "realtime, openai-insecure-api-key.KEY"}  # fmt: skip
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Voiceproject", "version": "1", "description": DESCRIPTION},
        "defaultContentType": "application/json",
        "channels": {
            "realtime": {
                "address": "/v1/realtime",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in shapes},
                "bindings": {"ws": {"method": "GET", "query": _describe_query(), "bindingVersion": "0.1.0"}},
            }
        },
        "operations": {
            "hear": _describe_operation("receive", [name for name in shapes if name.startswith("client.")]),
            "tell": _describe_operation("send", [name for name in shapes if name.startswith("server.")]),
        },
        "components": {
            "messages": {name: _describe_message(name, shape) for name, shape in shapes.items()},
            "schemas": _collect_schemas(list(shapes.values())),
            "securitySchemes": {"key": key, "page": page},
        },
    }


def _group_by_type(union: Any) -> dict[str, type[BaseModel]]:
    """Return the shapes of a union of events by the type that each of them has."""
    members = get_args(get_args(union)[0])
    return {get_args(member.model_fields["type"].annotation)[0]: member for member in members}


def _describe_operation(action: str, names: list[str]) -> dict[str, Any]:
    """Return the description of one direction of the socket."""
    messages = [{"$ref": f"#/channels/realtime/messages/{name}"} for name in names]
    return {"action": action, "channel": {"$ref": "#/channels/realtime"}, "messages": messages}


def _describe_message(name: str, shape: type[BaseModel]) -> dict[str, Any]:
    """Return the description of one event."""
    summary = " ".join((shape.__doc__ or "").partition("\n\n")[0].split())
    return {"name": name.partition(".")[2], "summary": summary, "payload": {"$ref": REF.format(model=shape.__name__)}}


def _describe_query() -> dict[str, Any]:
    """Return the schema of the socket's query."""
    return {"type": "object", "properties": {name: {"type": "string", "description": QUERY[name]} for name in QUERY}}


def _refer_to_scheme(name: str) -> dict[str, str]:
    """Return a reference to one way to show a key."""
    return {"$ref": f"#/components/securitySchemes/{name}"}


def _collect_schemas(shapes: list[type[BaseModel]]) -> dict[str, Any]:
    """Return the schemas of all events."""
    schemas: dict[str, Any] = models_json_schema([(shape, "validation") for shape in shapes], ref_template=REF)[1]
    return dict(schemas["$defs"])
