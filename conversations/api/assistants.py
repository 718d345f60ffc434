"""GET /v1/models: the assistants that the caller may talk to. Their ids are what `?model=` takes."""

from django.http import HttpRequest, HttpResponse

from conversations.api import auth, requests
from conversations.api.errors import build_not_found_error
from conversations.api.shapes import outputs
from conversations.models import Assistant


def list_assistants(request: HttpRequest) -> HttpResponse:
    """Answer with every assistant that is offered to the caller."""
    caller = auth.authenticate(request, None)
    offered = Assistant.objects.offered_to(caller.user_id)
    return requests.build_response(outputs.ModelList(data=[_serialize_assistant(assistant) for assistant in offered]))


def retrieve_assistant(request: HttpRequest, model: str) -> HttpResponse:
    """Answer with one assistant, or raise APIError with 404."""
    caller = auth.authenticate(request, None)
    offered = Assistant.objects.offered_to(caller.user_id)
    found = next((assistant for assistant in offered if assistant.slug == model), None)
    if found is None:
        raise build_not_found_error(f"There is no assistant {model!r}. GET /v1/models lists yours.")
    return requests.build_response(_serialize_assistant(found))


def _serialize_assistant(assistant: Assistant) -> outputs.Model:
    """Return the assistant in the shape of `openai.types.Model`, with the name that people know it by."""
    return outputs.Model(
        id=assistant.slug,
        created=int(assistant.created_at.timestamp()),
        owned_by="user" if assistant.owner_id else "site",
        name=assistant.name,
    )
